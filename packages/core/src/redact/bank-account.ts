import { isAlphanumeric, isDigit, isLetter } from "./character-set.js";
import type { NumberDetector } from "./long-number.js";

/** How far before its long number an IBAN begins at most: country, check digits, a bank's letters, spaces. */
const REACH = 14;

/** International bank account numbers: a country of the registry, its length, and the remainder 1 of ISO 7064. */
export const bankAccount: NumberDetector = (text, { start }, found) => {
  for (let at = Math.max(0, start - REACH); at <= start - 2; at++) {
    const end = ibanEnd(text, at);
    if (end === 0) continue;
    found.push({ start: at, end, kind: "iban" });
    return;
  }
};

function ibanEnd(text: string, from: number): number {
  if (from > 0 && isAlphanumeric(text.charCodeAt(from - 1))) return 0;
  if (!isLetter(text.charCodeAt(from)) || !isLetter(text.charCodeAt(from + 1))) return 0;
  if (!isDigit(text.charCodeAt(from + 2)) || !isDigit(text.charCodeAt(from + 3))) return 0;
  const length = LENGTHS.get(text.slice(from, from + 2).toUpperCase());
  if (length === undefined) return 0;
  let compact = "";
  let at = from;
  while (compact.length < length && at < text.length) {
    const isGap = (text[at] === " " || text[at] === "-") && compact.length % 4 === 0;
    if (!isGap && !isAlphanumeric(text.charCodeAt(at))) return 0;
    if (!isGap) compact += text[at];
    else if (!isAlphanumeric(text.charCodeAt(at + 1))) return 0;
    at += 1;
  }
  if (compact.length < length || (at < text.length && isAlphanumeric(text.charCodeAt(at)))) return 0;
  return remainder(compact.toUpperCase()) === 1 ? at : 0;
}

/** ISO 7064, MOD 97-10: the first four characters go to the end, letters count from 10. */
function remainder(iban: string): number {
  let rest = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}

/** https://www.swift.com/standards/data-standards/iban: countries by the length of their numbers. */
const LENGTHS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH CR HR LI LV",
    22: "BG BH DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
  }).flatMap(([length, countries]) => countries.split(" ").map((country) => [country, Number(length)] as const)),
);
