import type { DataRow } from "./row-layout.js";
import type { Note } from "./turn-checks.js";

/** Reads a line as loaders do, which are stricter than JSON.parse. Notes what they refuse; null when it is no row. */
export function rowOfLine(line: string, note: Note): DataRow | null {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (error) {
    if (NOT_A_NUMBER.test(line)) note("nonFiniteNumber");
    else if (/^\s*\[/.test(line)) note("notJson", "the file seems to be one JSON array");
    else note("notJson", error instanceof Error ? error.message : String(error));
    return null;
  }
  if (typeof row !== "object" || row === null || Array.isArray(row)) {
    note("notJson", `it is ${Array.isArray(row) ? "a list" : line.trim()}`);
    return null;
  }
  // A lone surrogate can only come of an escape, for the line is UTF-8.
  if (SURROGATE_ESCAPE.test(line) && hasLoneSurrogate(row)) note("loneSurrogate");
  const key = repeatedKey(line);
  if (key !== null) note("repeatedKey", key);
  return row as DataRow;
}

const NOT_A_NUMBER = /[:,[]\s*(?:NaN|-?Infinity)\s*[,}\]]/;
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;
const PARTS = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g;

function hasLoneSurrogate(value: unknown): boolean {
  if (typeof value === "string") return !value.isWellFormed();
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([name, inner]) => !name.isWellFormed() || hasLoneSurrogate(inner));
}

/** A key that one of the objects has twice; JSON.parse would take the last and say nothing. */
function repeatedKey(line: string): string | null {
  const open: Set<string>[] = [];
  for (const [part, colon] of line.matchAll(PARTS)) {
    if (part === "{") open.push(new Set());
    else if (part === "}") open.pop();
    else if (colon !== undefined) {
      const key = part.slice(0, part.lastIndexOf('"') + 1);
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return null;
}
