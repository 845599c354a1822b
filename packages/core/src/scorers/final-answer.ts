import { laterCorrection } from "./later-correction.js";
import { plainAnswer } from "./math-equal.js";
import { parseQuantity } from "./quantity.js";
import { deniedAmounts, lastAmount, leadingAmount, takesBack } from "./stated-amount.js";

/** What `extractFinalAnswer` gives. Never throws. */
export function finalAnswer(text: string): string | null {
  const solution = conclusion(text).replace(CALCULATION, "");
  const marked = lastMarked(solution);
  if (marked !== null) return marked;
  const whole = bareAnswer(solution);
  if (whole !== null) return whole;
  return lastEquation(solution) ?? lastAmount(solution.slice(-TAIL));
}

/** A calculator's annotation, as in `5 * 2 = <<5*2=10>>10`. */
const CALCULATION = /<<[^<>]{0,300}>>/g;
/** An answer longer than this is a solution. */
const MAX_CONTENT = 500;
/** A text may hold thousands of boxes that never close; a solution's answer is in one of the last few. */
const MAX_BOXES = 8;
/** Where amounts, denials and corrections are looked for. */
const TAIL = 4000;

/** What a reasoning model says after thinking aloud. */
function conclusion(text: string): string {
  const end = text.lastIndexOf("</think>");
  if (end < 0) return text;
  const after = text.slice(end + "</think>".length);
  return after.trim() === "" ? text : after;
}

function lastMarked(text: string): string | null {
  const found = [lastBoxed(text), lastHashes(text), lastLine(text), lastPhrase(text), lastCorrection(text)];
  let best: { readonly at: number; readonly answer: string } | null = null;
  for (const candidate of found) {
    if (candidate && (!best || candidate.at > best.at)) best = candidate;
  }
  return best && !isTakenBack(text, best) ? best.answer : null;
}

function lastCorrection(text: string): Candidate | null {
  const offset = Math.max(0, text.length - TAIL);
  const found = laterCorrection(text.slice(offset));
  return found && { at: offset + found.at, answer: found.answer };
}

/** "The answer is 12. No, it is not 12." */
function isTakenBack(text: string, { at, answer }: Candidate): boolean {
  return takesBack(text.slice(Math.max(at, text.length - TAIL)), answer);
}

interface Candidate {
  readonly at: number;
  readonly answer: string;
}

function candidate(at: number, content: string | null, settled = settle): Candidate | null {
  const answer = content === null ? null : settled(content);
  return answer === null ? null : { at, answer };
}

function lastBoxed(text: string): Candidate | null {
  let before = text.length;
  for (let attempts = 0; attempts < MAX_BOXES; attempts++) {
    const at = Math.max(text.lastIndexOf("\\boxed", before), text.lastIndexOf("\\fbox", before));
    if (at < 0) return null;
    const found = candidate(at, braced(text, at + (text.startsWith("\\fbox", at) ? 5 : 6)), boxedAnswer);
    if (found || at === 0) return found;
    before = at - 1;
  }
  return null;
}

/** The content of the braces that open at `at`, with the braces inside it; for `\boxed 5` the next word. */
function braced(text: string, at: number): string | null {
  let start = at;
  while (text[start] === " ") start += 1;
  const end = Math.min(text.length, start + MAX_CONTENT);
  if (text[start] !== "{") return start === at ? null : (/^[^\s$]+/.exec(text.slice(start, end))?.[0] ?? null);
  let depth = 0;
  for (let i = start; i < end; i++) {
    if (text[i] === "\\") i += 1;
    else if (text[i] === "{") depth += 1;
    else if (text[i] === "}") depth -= 1;
    if (depth === 0) return text.slice(start + 1, i);
  }
  return null;
}

function lastHashes(text: string): Candidate | null {
  const at = text.lastIndexOf("####");
  return at < 0 ? null : candidate(at, firstLine(text, at + 4));
}

/** `A: 18`, `Answer: 18`, `**Final answer:** 18` at the start of a line; the answer may stand on the next one. */
function lastLine(text: string): Candidate | null {
  let end = text.length;
  let below = "";
  while (end >= 0) {
    const start = end === 0 ? 0 : text.lastIndexOf("\n", end - 1) + 1;
    const line = text.slice(start, end);
    const label = LABEL.exec(line.slice(0, 60));
    // "A: 3" above "B: 5" is a list of choices.
    if (label && !(label[1] === "A" && /^\s*B[:.)]/.test(below))) {
      const found = candidate(start, line.slice(label[0].length).trim() || firstLine(text, end));
      if (found) return found;
    }
    if (line.trim() !== "") below = line.slice(0, 20);
    if (start === 0) return null;
    end = start - 1;
  }
  return null;
}

const LABEL = /^[\s*_#>-]{0,10}(?:(?:the )?(?:final |correct )?(answer|ans)|(A))[\s*_]{0,4}[:=][\s*_]{0,4}/i;

const PHRASE =
  /\banswer(?: is| was| would be| should be| equals| comes to)?:? ?(?:simply |therefore |thus )?(?<=is:? ?(?:simply |therefore |thus )?|was:? ?|be:? ?|equals:? ?|to:? ?|answer: ?)/gi;

/** "so the answer is 18." The sentence ends the answer. Without a digit it is one only when it is short. */
function lastPhrase(text: string): Candidate | null {
  let found: Candidate | null = null;
  const lowered = text.slice(-TAIL * 4);
  const offset = text.length - lowered.length;
  for (const match of lowered.matchAll(PHRASE)) {
    const start = match.index + match[0].length;
    const sentence = firstSentence(lowered.slice(start, start + MAX_CONTENT)).replace(/^n['’]t /, "not ");
    if (/^not [-−$€£¥₹*.\d]/.test(sentence)) {
      // "The answer is not 12, it is 13."
      const instead = lastAmount(`is ${sentence.replace(/\b(?:because|since|as)\b.*/, "")}`);
      found = instead === null ? found : { at: offset + match.index, answer: instead };
      continue;
    }
    const isAnswer = /\d|^(?:option|choice) \S+$/i.test(sentence) || /^[^\s]{1,30}$/.test(sentence);
    if (!isAnswer || /^(?:not|in|the|to)\b/i.test(sentence)) continue;
    found = candidate(offset + match.index, sentence) ?? found;
  }
  return found;
}

function firstSentence(text: string): string {
  const line = firstLine(text, 0) ?? "";
  const end = line.search(/[.!?](?:\s|$)/);
  return (end < 0 ? line : line.slice(0, end)).trim();
}

/** The first line from `at` on that is not empty, within reach. */
function firstLine(text: string, at: number): string | null {
  const reach = text.slice(at, at + MAX_CONTENT).trimStart();
  const line = reach.split("\n", 1)[0]?.trim() ?? "";
  return line === "" ? null : line;
}

/** Text that is nothing but an answer: a number, an expression, or up to three words. */
function bareAnswer(text: string): string | null {
  const whole = text.trim();
  if (whole === "" || whole.length > 200 || whole.includes("\n")) return null;
  if (deniedAmounts(whole).length > 0 && WORDS.test(whole)) return null;
  const plain = plainAnswer(whole);
  if (parseQuantity(plain)) return whole;
  if (!isProse(plain) && /[\dA-Za-z]/.test(plain)) return plain.includes("=") ? settle(whole) : whole;
  return /\d/.test(plain) || !/[A-Za-z]/.test(plain) || whole.split(/\s+/).length > 3 ? null : whole;
}

/** "12 is wrong" and "not 12" have words, `x ≠ 12` has none. */
const WORDS = /(?<!\\)\b[A-Za-z]{3}/;

function lastEquation(text: string): string | null {
  const line = text.trimEnd().split("\n").at(-1)?.slice(-MAX_CONTENT) ?? "";
  const at = line.lastIndexOf("=");
  if (at < 0 || /[!<>]/.test(line[at - 1] ?? "")) return null;
  const right = line.slice(at + 1).trim();
  if (deniedAmounts(right).length > 0) return null;
  return parseQuantity(plainAnswer(right)) ? unwrapped(right) : null;
}

/** What of a marked passage is the answer: all of it, what follows its last `=`, or the number in a sentence. */
function settle(content: string): string | null {
  const answer = unwrapped(content.slice(0, MAX_CONTENT));
  if (answer === "") return null;
  if (deniedAmounts(answer).length > 0 && WORDS.test(answer)) return lastAmount(answer);
  const plain = plainAnswer(answer);
  if (parseQuantity(plain)) return answer;
  const sides = answer.split(/(?<![<>!=])=(?!=)/);
  const right = sides.length > 1 ? unwrapped(sides.at(-1) ?? "") : "";
  if (sides.length > 2 && / (?:or|and) |,/.test(answer)) return answer; // x = 4 or x = -4
  if (right !== "") return settle(right);
  const aside = /^(\S.{0,60}?) \([^()]{0,200}\)$/.exec(answer)?.[1];
  if (aside && parseQuantity(plainAnswer(aside))) return aside;
  if (!isProse(plain) || !/\d/.test(answer)) return answer;
  return leadingAmount(answer) ?? lastAmount(answer) ?? answer;
}

/** A box holds the answer and nothing else, so all of it counts, but for what it is called. */
function boxedAnswer(content: string): string | null {
  const answer = unwrapped(content);
  const named = /^(?:\\text\{)?[A-Za-z]{2,}[^=<>]{0,40}=(?!=)(.+)$/.exec(answer)?.[1];
  return named ? unwrapped(named) : answer || null;
}

/** Words that no formula has: long ones, and short ones that stand beside a number or a word. */
function isProse(plain: string): boolean {
  const words = plain.match(/[A-Za-z]{2,}/g)?.filter((word) => !NOTATION.has(word)) ?? [];
  return words.some((word) => word.length > 3) || (words.length > 0 && /[A-Za-z]{2} [\w$]|\w [A-Za-z]{2}/.test(plain));
}

const NOTATION = new Set("sqrt nthRoot sin cos tan log exp abs and Infinity frac".split(" "));

/** Without Markdown, dollar signs of mathematics and the full stop. */
function unwrapped(content: string): string {
  let text = content.trim();
  for (let before = ""; before !== text; ) {
    before = text;
    text = text
      .replace(/^(?:\*\*|__|`)+/, "")
      .replace(/(?:\*\*|__|`)+$/, "")
      .trim();
    if (text.endsWith(".") || text.endsWith(",") || text.endsWith(";")) text = text.slice(0, -1).trimEnd();
    const inner = /^\$\$?([^$]+)\$\$?$/.exec(text)?.[1] ?? /^\\[([](.*)\\[)\]]$/.exec(text)?.[1];
    if (inner !== undefined && inner.trim() !== "") text = inner.trim();
  }
  return text;
}
