import { isAlphanumeric, isDigit } from "./character-set.js";
import type { Detector } from "./finding.js";

/** E.164 numbers only: +, a calling code that exists, 8 to 15 digits, grouped as people group them or not at all. */
export const phoneNumber: Detector = (text, found) => {
  for (let at = text.indexOf("+"); at >= 0; at = text.indexOf("+", at + 1)) {
    if (isPlusSign(text, at)) continue;
    const end = numberEnd(text, at + 1);
    if (end > 0) found.push({ start: at, end, kind: "phone" });
  }
};

/** True where the + adds: something is glued to it, or a number, a bracket or an operator stands before it. */
function isPlusSign(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  if (at > 0 && (isAlphanumeric(before) || GLUE.includes(text[at - 1] ?? ""))) return true;
  let last = at - 1;
  while (last >= 0 && at - last < 4 && text[last] === " ") last -= 1;
  return last >= 0 && last < at - 1 && (isDigit(text.charCodeAt(last)) || ")]*/^-+".includes(text[last] ?? ""));
}

const GLUE = "_.)]}*/^+-%$";

/** The end of a phone number whose digits begin at `from`, or 0. */
function numberEnd(text: string, from: number): number {
  let digits = "";
  let groups = 0;
  let group = 0;
  let end = 0;
  let at = from;
  let single = 0;
  while (digits.length <= 15) {
    const code = text.charCodeAt(at);
    if (isDigit(code)) {
      if (group === 0) groups += 1;
      group += 1;
      digits += text[at];
      end = ++at;
      continue;
    }
    // One digit alone is a national prefix, (0), or a short area code; more of them are a list.
    if (group === 1 && groups > 1 && text[at] !== ")") single += 1;
    group = 0;
    const gap = gapLength(text, at);
    if (gap === 0) break;
    at += gap;
  }
  if (digits.length > 15 || digits.length < 8 || single > 1) return 0;
  // Behind a phone number nothing goes on: 12345678.90, 12345678%, 12345678x are something else.
  const next = text[end] ?? "";
  if ("%_*/^=€$".includes(next) && next !== "") return 0;
  if ((next === "." || next === ",") && isDigit(text.charCodeAt(end + 1))) return 0;
  if (isAlphanumeric(text.charCodeAt(end)) && next !== "x") return 0;
  if (groups === 1 && digits.length < 10) return 0;
  if (groups > 1 && isThousands(text.slice(from, end))) return 0;
  return hasCallingCode(digits) ? end : 0;
}

/** How much stands between two groups of digits: one of space . - /, brackets, or both. 0: the number ends here. */
function gapLength(text: string, at: number): number {
  let length = 0;
  while (length < 3 && " .-()".includes(text[at + length] ?? "x")) length += 1;
  if (length === 0 || !isDigit(text.charCodeAt(at + length))) return 0;
  const gap = text.slice(at, at + length);
  return GAPS.has(gap) ? length : 0;
}

const GAPS = new Set([" ", ".", "-", "(", ")", " (", ") ", ")-", "-(", ".("]);

/** A signed amount written with spaces or points: +25 000 000. */
function isThousands(number: string): boolean {
  const groups = number.split(/[ .]/);
  return groups.length > 1 && groups.every((group, i) => (i === 0 ? group.length <= 3 : group.length === 3));
}

function hasCallingCode(digits: string): boolean {
  const first = digits[0];
  if (first === "1") return digits.length === 11 && /^1[2-9]/.test(digits);
  if (first === "7") return digits.length === 11;
  return TWO_DIGIT_CODES.has(digits.slice(0, 2)) || THREE_DIGIT_CODES.has(digits.slice(0, 2));
}

/** https://www.itu.int/pub/T-SP-E.164D: codes of two digits, and the beginnings of those of three. */
const TWO_DIGIT_CODES = new Set(
  "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98".split(
    " ",
  ),
);
const THREE_DIGIT_CODES = new Set("21 22 23 24 25 26 29 35 37 38 42 50 59 67 68 69 80 85 87 88 96 97 99".split(" "));
