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
  let line = "";
  for (const [name, value] of Object.entries(row)) {
    line += `${line === "" ? "{" : ","}${fieldOf(name).head}${columnJson(name, value)}`;
  }
  return line === "" ? "{}" : `${line}}`;
}

/** The JSON of one column. Chat messages and tools are written as they are; only our own columns hold numbers to mind. */
export function columnJson(name: string, value: unknown): string {
  const { isFloat } = fieldOf(name);
  if (isFloat || name === "metadata" || name === "responses") return withFloats(name, isFloat, value);
  return JSON.stringify(value) ?? "null";
}

function withFloats(name: string, isFloat: boolean, value: unknown): string {
  if (isFloat && typeof value === "number") return floatJson(name, value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  let json = "";
  if (Array.isArray(value)) {
    if (typeof value[0] === "string") return JSON.stringify(value);
    for (const item of value) json += (json === "" ? "" : ",") + withFloats(name, isFloat, item);
    return `[${json}]`;
  }
  for (const key of Object.keys(value)) {
    const field = fieldOf(key);
    const inner = withFloats(key, field.isFloat, (value as Readonly<Record<string, unknown>>)[key]);
    json += (json === "" ? "" : ",") + field.head + inner;
  }
  return `{${json}}`;
}

/** What the value of a name stands behind in JSON, and whether it keeps its decimal point. */
interface Field {
  readonly head: string;
  readonly isFloat: boolean;
}

/** The names of columns are few and come in every row: each is looked at once. */
function fieldOf(name: string): Field {
  const known = fields.get(name);
  if (known) return known;
  const field = { head: `${JSON.stringify(name)}:`, isFloat: FLOATS.has(name) };
  if (fields.size < 1_000) fields.set(name, field);
  return field;
}

const fields = new Map<string, Field>();

function floatJson(name: string, value: number): string {
  if (!Number.isFinite(value)) {
    throw new DatasetError("DATASET_INVALID_ROW", `${name} is ${value}: a row can hold finite numbers only`);
  }
  if (Number.isSafeInteger(value)) return `${value}.0`; // what nearly all are, and faster than toFixed
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

const LINE_ENDS = ["\u0085", "\u2028", "\u2029"];
const LONE_SURROGATE = "\\ud";
const ESCAPES = /\\(?:u[0-9a-f]{4}|.)/g;

/** True for a line that Python's `splitlines` would take for several. */
export function holdsLineEnd(line: string): boolean {
  return LINE_ENDS.some((end) => line.includes(end));
}

/**
 * Lines of JSON in UTF-8 as Python reads them: strings are well-formed, and nothing in a line ends it for `splitlines`.
 * `hasLineEnds` says whether a line holds such an end, where that is known.
 */
export function pythonLines(utf8: Buffer, hasLineEnds = LINE_ENDS.some((end) => utf8.includes(end))): Buffer {
  // Nearly no text has any of these, and looking for bytes is many times faster than for a pattern.
  if (!hasLineEnds && !utf8.includes(LONE_SURROGATE)) return utf8;
  let lines = utf8.toString();
  for (const end of LINE_ENDS) {
    lines = lines.replaceAll(end, `\\u${end.charCodeAt(0).toString(16).padStart(4, "0")}`);
  }
  // JSON.stringify writes a lone surrogate as an escape, and Python's loaders refuse the file for it.
  lines = lines.replace(ESCAPES, (sequence) => (/^\\ud[89a-f]/.test(sequence) ? "\ufffd" : sequence));
  return Buffer.from(lines);
}
