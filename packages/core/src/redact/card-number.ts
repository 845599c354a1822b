import { isAlphanumeric } from "./character-set.js";
import type { DigitGroup, NumberDetector } from "./long-number.js";

/**
 * Payment cards: an issuer's prefix, a length that issuer uses and Luhn's checksum. One random number in forty passes
 * all three, so digits in one piece count only beside a word such as *card*; in a card's own groups they count anywhere.
 */
export const cardNumber: NumberDetector = (text, { groups }, found, label) => {
  for (let i = 0; i < groups.length; i++) {
    const length = groups[i]?.digits.length ?? 0;
    if (length !== 4 && length < 12) continue; // no card begins so
    const shape = SHAPES.find((lengths) => hasShape(text, groups, i, lengths));
    if (!shape) continue;
    const last = groups[i + shape.length - 1] as DigitGroup; // hasShape saw it
    const start = (groups[i] as DigitGroup).start; // within the loop's bounds
    const end = last.start + last.digits.length;
    let digits = "";
    for (let k = i; k < i + shape.length; k++) digits += groups[k]?.digits ?? "";
    if (!isCard(digits) || isPartOfWord(text, start, end)) continue;
    if (shape.length === 1 && !namesCard(text, start, end, label)) continue;
    found.push({ start, end, kind: "card" });
    i += shape.length - 1;
  }
};

/** How many digits a group has on cards, the longer shapes first; in one piece 12 to 19. */
const SHAPES: readonly (readonly number[])[] = [
  [4, 4, 4, 4, 3],
  [4, 4, 4, 4],
  [4, 6, 5],
  [4, 6, 4],
  ...[19, 18, 17, 16, 15, 14, 13, 12].map((length) => [length]),
];

function hasShape(text: string, groups: readonly DigitGroup[], from: number, lengths: readonly number[]): boolean {
  const separator = text[(groups[from + 1]?.start ?? 0) - 1];
  for (let i = 0; i < lengths.length; i++) {
    const group = groups[from + i];
    if (group?.digits.length !== lengths[i]) return false;
    if (i > 0 && group && text[group.start - 1] !== separator) return false;
  }
  return true;
}

function isPartOfWord(text: string, start: number, end: number): boolean {
  const before = start > 0 ? text.charCodeAt(start - 1) : 32;
  const after = end < text.length ? text.charCodeAt(end) : 32;
  if (isAlphanumeric(before) || isAlphanumeric(after) || before === 46) return true;
  return (after === 46 || after === 44) && isAlphanumeric(text.charCodeAt(end + 1));
}

const BEFORE = 48;
const AFTER = 24;
const CARD_WORD = /(?<![a-z])(?:cards?|cardnumber|credit|debit|visa|mastercard|amex|maestro|cc|cvv|cvc)(?![a-z])/i;

function namesCard(text: string, start: number, end: number, label: string): boolean {
  return (
    CARD_WORD.test(label) ||
    CARD_WORD.test(text.slice(Math.max(0, start - BEFORE), start)) ||
    CARD_WORD.test(text.slice(end, end + AFTER))
  );
}

function isCard(digits: string): boolean {
  return ISSUERS.some(({ prefix, lengths }) => lengths.includes(digits.length) && prefix.test(digits)) && luhn(digits);
}

/** Issuer identification numbers (https://en.wikipedia.org/wiki/Payment_card_number) and their lengths. */
const ISSUERS: readonly { readonly prefix: RegExp; readonly lengths: readonly number[] }[] = [
  { prefix: /^4/, lengths: [13, 16, 19] }, // Visa
  { prefix: /^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, lengths: [16] }, // Mastercard
  { prefix: /^3[47]/, lengths: [15] }, // American Express
  { prefix: /^3(?:0[0-5]|[689])/, lengths: [14] }, // Diners Club
  { prefix: /^(?:6011|65|64[4-9]|62)/, lengths: [16, 17, 18, 19] }, // Discover, UnionPay
  { prefix: /^35/, lengths: [16, 17, 18, 19] }, // JCB
  { prefix: /^(?:1800|2131)/, lengths: [15] }, // JCB, the older form
  { prefix: /^(?:50|5[6-9]|6[0137])/, lengths: [12, 13, 14, 15, 16, 17, 18, 19] }, // Maestro
];

function luhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const counted = i % 2 === 0 ? digit : digit * 2;
    sum += counted > 9 ? counted - 9 : counted;
  }
  return sum % 10 === 0;
}
