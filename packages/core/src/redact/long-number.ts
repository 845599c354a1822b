import { isDigit } from "./character-set.js";
import type { Finding } from "./finding.js";

/** Digits that belong together: at least eight, with at most one space or hyphen between two of them. */
export interface LongNumber {
  readonly start: number;
  readonly end: number;
  /** The digits between the separators. */
  readonly groups: readonly DigitGroup[];
}

export interface DigitGroup {
  readonly start: number;
  readonly digits: string;
}

/** Adds what a long number of a text turns out to be. */
export type NumberDetector = (text: string, number: LongNumber, found: Finding[], label: string) => void;

const MIN_DIGITS = 8;

/** Every long number of a text. Looks at every eighth character only: eight digits in a row cannot hide between. */
export function longNumbers(text: string): readonly LongNumber[] {
  let found: LongNumber[] | undefined;
  for (let at = MIN_DIGITS - 1; at < text.length; at += MIN_DIGITS) {
    const code = text.charCodeAt(at);
    if (code > 57 || (code < 48 && !isJoint(text, at, code))) continue; // letters, first of all
    let [start, end] = [at, at + 1];
    while (isPart(text, start - 1)) start -= 1;
    while (isPart(text, end)) end += 1;
    if (countDigits(text, start, end) >= MIN_DIGITS) {
      found ??= [];
      found.push({ start, end, groups: groupsOf(text, start, end) });
    }
    // The next sample is behind this run, so that no run is read twice.
    at = end - 1;
  }
  return found ?? NONE;
}

const NONE: readonly LongNumber[] = [];

/** A digit, or a single separator between two digits. */
function isPart(text: string, at: number): boolean {
  if (at < 0 || at >= text.length) return false;
  const code = text.charCodeAt(at);
  return isDigit(code) || isJoint(text, at, code);
}

function isJoint(text: string, at: number, code: number): boolean {
  if (code !== 32 && code !== 45) return false;
  return at > 0 && isDigit(text.charCodeAt(at - 1)) && isDigit(text.charCodeAt(at + 1));
}

function countDigits(text: string, start: number, end: number): number {
  let digits = 0;
  for (let i = start; i < end; i++) if (isDigit(text.charCodeAt(i))) digits += 1;
  return digits;
}

function groupsOf(text: string, start: number, end: number): DigitGroup[] {
  const groups: DigitGroup[] = [];
  let from = start;
  for (let at = start; at <= end; at++) {
    if (at < end && isDigit(text.charCodeAt(at))) continue;
    groups.push({ start: from, digits: text.slice(from, at) });
    from = at + 1;
  }
  return groups;
}
