import { DatasetError } from "@whetstone/core";

// JavaScript writes 1.0 as `1`, which a loader takes for an integer column; the first 0.5 then fails, megabytes later.
const FLOATS = new Set([
  "quality_score",
  "quality_diff",
  "chosen_score",
  "rejected_score",
  "latency_ms",
  "chosen_latency_ms",
  "rejected_latency_ms",
  "latencies_ms",
  "reward",
  "reward_mean",
  "reward_std",
  "reward_min",
  "reward_max",
  "margin",
]);

/** One row as a line of JSON, without the line feed. Scores keep a decimal point. */
export function rowLine(row: object): string {
  let line = "{";
  for (const [name, value] of Object.entries(row))
    line += `${separator(line)}${quoted(name)}:${columnJson(name, value)}`;
  return `${line}}`;
}

/** The JSON of one column. Chat messages and tools are written as they are; only our own columns hold numbers to mind. */
export function columnJson(name: string, value: unknown): string {
  if (name === "metadata" || name === "responses" || FLOATS.has(name)) return withFloats(name, value);
  return JSON.stringify(value) ?? "null";
}

function withFloats(name: string, value: unknown): string {
  if (typeof value === "number" && FLOATS.has(name)) return floatJson(name, value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  let json = Array.isArray(value) ? "[" : "{";
  if (Array.isArray(value)) {
    if (typeof value[0] === "string") return JSON.stringify(value);
    for (const item of value) json += separator(json) + withFloats(name, item);
    return `${json}]`;
  }
  for (const [key, inner] of Object.entries(value))
    json += `${separator(json)}${quoted(key)}:${withFloats(key, inner)}`;
  return `${json}}`;
}

const separator = (json: string): string => (json.length > 1 ? "," : "");

/** The names of columns are few and come in every row: each is quoted once. */
function quoted(name: string): string {
  const known = quotedNames.get(name);
  if (known !== undefined) return known;
  const json = JSON.stringify(name);
  if (quotedNames.size < 1_000) quotedNames.set(name, json);
  return json;
}

const quotedNames = new Map<string, string>();

function floatJson(name: string, value: number): string {
  if (!Number.isFinite(value)) {
    throw new DatasetError("DATASET_INVALID_ROW", `${name} is ${value}: a row can hold finite numbers only`);
  }
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

const LINE_ENDS = ["\u0085", "\u2028", "\u2029"];
const LONE_SURROGATE = "\\ud";
const ESCAPES = /\\(?:u[0-9a-f]{4}|.)/g;

/** Lines of JSON in UTF-8 as Python reads them: strings are well-formed, and nothing in a line ends it for `splitlines`. */
export function pythonLines(utf8: Buffer): Buffer {
  // Nearly no text has any of these, and looking for bytes is many times faster than for a pattern.
  if (![...LINE_ENDS, LONE_SURROGATE].some((text) => utf8.includes(text))) return utf8;
  let lines = utf8.toString();
  for (const end of LINE_ENDS) {
    lines = lines.replaceAll(end, `\\u${end.charCodeAt(0).toString(16).padStart(4, "0")}`);
  }
  // JSON.stringify writes a lone surrogate as an escape, and Python's loaders refuse the file for it.
  lines = lines.replace(ESCAPES, (sequence) => (/^\\ud[89a-f]/.test(sequence) ? "\ufffd" : sequence));
  return Buffer.from(lines);
}
