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

/**
 * One row as one line of JSON, without the line feed, that Python reads as the same row: scores keep a decimal point,
 * strings are well-formed, and nothing in it ends a line for `splitlines`.
 */
export function rowLine(row: object): string {
  const columns = Object.entries(row).map(([name, value]) => `${JSON.stringify(name)}:${columnJson(name, value)}`);
  return onOneLine(`{${columns.join(",")}}`);
}

// Chat messages and tools are written by JSON.stringify as they are; only our own columns hold numbers to mind.
function columnJson(name: string, value: unknown): string {
  if (name === "metadata" || name === "responses" || FLOATS.has(name)) return withFloats(name, value);
  return JSON.stringify(value) ?? "null";
}

function withFloats(name: string, value: unknown): string {
  if (typeof value === "number" && FLOATS.has(name)) return floatJson(name, value);
  if (Array.isArray(value)) return `[${value.map((item) => withFloats(name, item)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${withFloats(key, inner)}`);
  return `{${fields.join(",")}}`;
}

function floatJson(name: string, value: number): string {
  if (!Number.isFinite(value)) {
    throw new DatasetError("DATASET_INVALID_ROW", `${name} is ${value}: a row can hold finite numbers only`);
  }
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

const LINE_ENDS = /[\u0085\u2028\u2029]/g;
const ESCAPES = /\\(?:u[0-9a-f]{4}|.)/g;

function onOneLine(json: string): string {
  const line = json.replace(LINE_ENDS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
  // JSON.stringify writes a lone surrogate as an escape, and Python's loaders refuse the file for it.
  if (!line.includes("\\ud")) return line;
  return line.replace(ESCAPES, (sequence) => (/^\\ud[89a-f]/.test(sequence) ? "\ufffd" : sequence));
}
