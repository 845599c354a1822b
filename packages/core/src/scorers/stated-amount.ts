import { plainAnswer } from "./math-equal.js";
import { parseQuantity } from "./quantity.js";

/**
 * The last amount that a passage states: a number with its unit of measure, a range (`between 10 and 12`) or a choice
 * (`10 or 12`). What it denies ("it is not 12") is not stated, and takes back what was stated before. Null when none is left.
 */
export function lastAmount(text: string): string | null {
  let last: string | null = null;
  for (const { at, end } of amounts(text)) {
    const amount = text.slice(at, end);
    const denial = denialOf(text, at, end);
    if (denial === "none") last = amount;
    else if (denial === "denied" || (last !== null && isSameAmount(last, amount))) last = null;
  }
  return last;
}

/** The amount that a text begins with, or null. */
export function leadingAmount(text: string): string | null {
  const first = amounts(text).next().value;
  return first?.at === 0 ? text.slice(0, first.end) : null;
}

/** The amounts that a passage denies: 12 in "it is not 12" and in "12 is wrong". */
export function deniedAmounts(text: string): readonly string[] {
  const denied: string[] = [];
  for (const { at, end } of amounts(text)) if (denialOf(text, at, end) !== "none") denied.push(text.slice(at, end));
  return denied;
}

/** Whether a passage says of an answer that it is not it: "no, it is not 12", but not "I am not 12 years old". */
export function takesBack(text: string, answer: string): boolean {
  for (const { at, end } of amounts(text)) {
    const [before, behind] = [text.slice(Math.max(0, at - REACH), at), text.slice(end, end + REACH)];
    const isSaidOfIt = DENIED_BEHIND.test(behind) || (OF_IT.test(before) && CLOSED.test(behind));
    if (isSaidOfIt && isSameAmount(text.slice(at, end), answer)) return true;
  }
  return false;
}

/** Whether two amounts are one number, however it is written. */
function isSameAmount(a: string, b: string): boolean {
  if (a === b) return true;
  const [left, right] = [parseQuantity(plainAnswer(a)), parseQuantity(plainAnswer(b))];
  return left !== null && right !== null && left.over * right.under === right.over * left.under;
}

/** A number with what belongs to it: sign, currency, separators, a fraction's other half, exponent, percent. */
const NUMBER =
  /(?:(?<![\w.)])[-−])?(?:[$€£¥₹] ?)?(?:\d{1,3}(?:[,\u00a0\u202f\u2009]\d{3})+(?!\d)|\d+|(?<![\d.])(?=\.\d))(?:\.\d+)?(?:[eE][-+]?\d{1,4}(?!\w))?(?: ?\/ ?\d+(?:\.\d+)?|(?::\d\d(?!\d))+(?: ?[AaPp][Mm]\b)?)?(?: ?%)?/;

/** A text as long as this in front of an amount, or behind it, says whether it is denied. */
const REACH = 60;

interface Span {
  readonly at: number;
  readonly end: number;
}

function* amounts(text: string): Generator<Span, undefined> {
  const number = new RegExp(NUMBER, "g");
  for (let match = number.exec(text); match; match = number.exec(text)) {
    let at = match.index;
    let end = withUnit(text, at, at + match[0].length);
    const before = text.slice(Math.max(0, at - REACH), at);
    const between = /\bbetween $/i.exec(before)?.[0];
    const isMove = /\b(?:from|by|add(?:ed|ing)?) $/i.test(before) && !/(?:^|[.:;!?\n]\s?)from $/i.test(before);
    const joint = between ? / and /y : isMove ? / or /y : / (?:to|or) /y;
    for (let next = nextAmount(text, end, joint); next !== null; next = nextAmount(text, end, joint)) {
      if (between && end === next) break;
      end = next;
      if (between) {
        at -= between.length;
        break;
      }
    }
    yield { at, end };
    number.lastIndex = end;
  }
}

/** The end of the amount that a joint leads to, or null. */
function nextAmount(text: string, end: number, joint: RegExp): number | null {
  joint.lastIndex = end;
  const joined = joint.exec(text);
  if (!joined) return null;
  const number = new RegExp(NUMBER, "y");
  number.lastIndex = end + joined[0].length;
  const match = number.exec(text);
  return match && withUnit(text, match.index, match.index + match[0].length);
}

/** Where an amount ends, with its unit of measure and the smaller units behind: `2 hours 30 minutes`. */
function withUnit(text: string, at: number, end: number): number {
  let measured = end;
  for (let parts = 0; parts < MAX_PARTS; parts++) {
    const more = (parts === 0 ? UNIT : PART).exec(text.slice(measured, measured + REACH));
    // "12 in total" is no length.
    if (!more || more[1] === "in") break;
    const longer = measured + more[0].length;
    const [bare, whole] = [parseQuantity(text.slice(at, measured)), parseQuantity(text.slice(at, longer))];
    const says = parts === 0 ? !bare?.unit && whole?.unit : whole?.unit;
    if (!says && !(bare && whole && bare.value !== whole.value)) break; // "$18 every day", but "$18 million"
    measured = longer;
  }
  return measured;
}

const MAX_PARTS = 4;
const UNIT = /^ ?([A-Za-z]{2,20})(?![\w'’])/;
const PART = /^(?:,? and|,)? \d[\d.]{0,12} ([A-Za-z]{2,20})(?![\w'’])/;

/** `denied` takes back what was said before, `contrasted` ("13, not 12") only itself. */
function denialOf(text: string, at: number, end: number): "none" | "denied" | "contrasted" {
  const before = text.slice(Math.max(0, at - REACH), at);
  if (CONTRASTED.test(before) || DENIED_BEHIND.test(text.slice(end, end + REACH))) return "contrasted";
  return DENIED.test(before) ? "denied" : "none";
}

const FILLING = String.raw`(?: (?:be|been|equal|to|exactly|simply|just|really|quite|actually|the|an?|answer|number|result))* ?(?:\*\*|\$|\\\()?$`;
const DENIED = new RegExp(String.raw`(?:\b(?:not|never|cannot|neither|nor)|n['’]t|≠|!=|\\neq?)${FILLING}`, "i");
const CONTRASTED = new RegExp(
  String.raw`(?:(?:[,;:(—–-]|\b(?:and|but|or)|\d[%*$)]{0,3}) ?not|\brather than|\binstead of)${FILLING}`,
  "i",
);
const OF_IT = new RegExp(
  String.raw`\b(?:it|that|this|answer|result|total|sum|value|number)(?:['’]s| (?:is|was|does|can|could|should|would))?(?: ?(?:not|never)|n['’]t)${FILLING}`,
  "i",
);
const CLOSED = /^[*$)\\]{0,3}(?:[.,;!?:](?:\s|$)|\s*$|\n| (?:because|since|as|but|after all)\b)/;
const DENIED_BEHIND =
  /^(?: \p{L}+){0,2} (?:(?:is|was|would be)(?: not|n['’]t) (?:the|correct|right|it|our|my)|(?:is|was|would be) (?:wrong|incorrect|false))\b/iu;
