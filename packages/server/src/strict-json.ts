import { RequestProblem } from "./problem.js";

/** Deeper than any body that makes sense, and far from what a recursive reader could not bear. */
const MAX_DEPTH = 32;

/**
 * Reads JSON that means one thing only: no name twice in an object (readers differ in which one counts), no `__proto__`,
 * at most 32 levels. One pass over the text decides that before anything is built from it.
 * @throws RequestProblem
 */
export function parseStrictJson(text: string): unknown {
  checkStructure(text);
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("BODY_INVALID_JSON", "The body is not JSON.");
  }
}

function checkStructure(text: string): void {
  // The names so far of each open object; null for an array.
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === OPEN_BRACE || unit === OPEN_BRACKET) {
      open.push(unit === OPEN_BRACE ? new Set() : null);
      if (open.length > MAX_DEPTH) throw invalid("BODY_TOO_DEEP", `The body has more than ${MAX_DEPTH} levels.`);
    } else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) open.pop();
    else if (unit === QUOTE) {
      const end = endOfString(text, at);
      const names = open.at(-1);
      if (names && isName(text, end)) addName(names, text.slice(at, end));
      at = end - 1;
    }
  }
}

/** The place behind a string's closing quote. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return at + 1;
    if (unit === BACKSLASH) at += 1;
  }
  return text.length;
}

function isName(text: string, end: number): boolean {
  let at = end;
  while (" \t\n\r".includes(text[at] ?? "x")) at += 1;
  return text[at] === ":";
}

function addName(names: Set<string>, literal: string): void {
  const name = literal.includes("\\") ? unescaped(literal) : literal.slice(1, -1);
  if (name === "__proto__")
    throw invalid("BODY_INVALID_JSON", 'The body has a field "__proto__", which nothing takes.');
  if (names.has(name)) throw invalid("BODY_INVALID_JSON", "The body has an object with the same field twice.");
  names.add(name);
}

function unescaped(literal: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch {
    throw invalid("BODY_INVALID_JSON", "The body is not JSON.");
  }
}

function invalid(code: string, detail: string): RequestProblem {
  return new RequestProblem({ status: 400, code, detail });
}

const [QUOTE, BACKSLASH, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [34, 92, 91, 93, 123, 125] as const;
