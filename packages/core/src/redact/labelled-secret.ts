import {
  characterSet,
  isAlphanumeric,
  isDigit,
  isLetter,
  isTokenCharacter,
  runEnd,
  runReader,
} from "./character-set.js";
import type { Detector } from "./finding.js";

const MAX_LABEL = 40;
const MIN_VALUE = 6;
const MIN_TOKEN = 16;
/** The shortest word that can stand before a credential, and so before the value. */
const MIN_SCHEME = 3;
const MAX_VALUE = 8_192;
/** How much of a value is looked at to judge it. */
const JUDGED = 128;

/**
 * Values that only their label gives away: `password = …`, `"api_key": "…"`, `Authorization: …`. What stands there must
 * look drawn at random, or for a password hold a digit; names, calls and variables stay.
 */
export const assignedSecret: Detector = (text, found) => {
  let valueAfter: ValueReader | undefined;
  for (const sign of [":", "="]) {
    for (let at = text.indexOf(sign); at >= 0; at = text.indexOf(sign, at + 1)) {
      const labelEnd = beforeGap(text, at);
      if (!mayEndLabel(text, labelEnd)) continue;
      valueAfter ??= valueReader(text);
      const value = valueAfter(labelEnd, at + 1, MIN_SCHEME);
      if (value) found.push({ ...value, kind: "secret" });
    }
  }
};

/** The same in words, `my token is …`, and behind a scheme without its header, `Bearer …`. */
export const spokenSecret: Detector = (text, found) => {
  const valueAfter = valueReader(text);
  const look = (end: number, from: number, least: number) => {
    const labelEnd = beforeGap(text, end);
    const value = mayEndLabel(text, labelEnd) ? valueAfter(labelEnd, from, least) : null;
    if (value) found.push({ ...value, kind: "secret" });
  };
  // V8 searches six characters faster than more.
  for (const words of ["word i", "key is", "ken is", "cret i"]) {
    for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
      const end = at + words.indexOf(" ");
      if (text.startsWith(" is ", end)) look(end, end + " is ".length, MIN_VALUE);
    }
  }
  for (const word of ["Bearer ", "bearer "]) {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
      look(at + word.length - 1, at + word.length, MIN_TOKEN);
    }
  }
};

const isGap = characterSet(" \t\"'`\\");
const isCredential = characterSet("A-Za-z0-9_+/.=~-");
const isPasswordCharacter = characterSet("!#-&*-+--:=?-Z^-_a-z|~");

interface Stretch {
  readonly start: number;
  readonly end: number;
}

type Strength = "password" | "strong" | "weak" | "authorization";

type ValueReader = (labelEnd: number, from: number, least: number) => Stretch | null;

/** Reads the values behind labels, and each long run of characters only once. */
function valueReader(text: string): ValueReader {
  const passwordEnd = runReader(text, isPasswordCharacter);
  const credentialEnd = runReader(text, isCredential);
  const lineEnd = runReader(text, isLineCharacter);
  return (labelEnd, from, least) => {
    let start = from;
    while (start < from + 4 && isGap(text.charCodeAt(start))) start += 1;
    // Every secret is longer than what stands behind most colons and equals signs.
    if (start + MIN_VALUE > text.length || passwordEnd(start) < start + least) return null;
    const strength = strengthOf(text, labelEnd);
    if (strength === null) return null;
    if (strength === "authorization") return authorizationValue(text, start, passwordEnd, lineEnd);
    const quote = text[start - 1] ?? "";
    const isQuoted = quote === '"' || quote === "'" || quote === "`";
    const end = trimmed(text, start, strength === "password" ? passwordEnd(start) : credentialEnd(start));
    const next = text[end] ?? "";
    // A call, an index, a template: code that gets the secret, not the secret.
    if (!isQuoted && (next === "(" || next === "[" || next === "{")) return null;
    return isSecretValue(text.slice(start, end), strength, isQuoted) ? { start, end } : null;
  };
}

/** Marks at the end of a sentence are no part of a value. */
function trimmed(text: string, start: number, end: number): number {
  let last = end;
  while (last > start && ".,:;!?&|".includes(text[last - 1] ?? "")) last -= 1;
  return last;
}

function isSecretValue(value: string, strength: Strength, isQuoted: boolean): boolean {
  if (/^(?:\$|%|\*{3}|x{4}|env\b|process\.|os\.|self\.|this\.)/i.test(value)) return false;
  if (strength !== "password") return value.length >= MIN_TOKEN && looksRandom(value, strength);
  if (value.length < MIN_VALUE || !/[0-9]/.test(value.slice(0, JUDGED))) return false;
  // An unquoted dotted name is a variable.
  return isQuoted || !/^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$/.test(value.slice(0, JUDGED));
}

/** `Authorization: Bearer …`, with or without a scheme in front. */
function authorizationValue(
  text: string,
  from: number,
  passwordEnd: (from: number) => number,
  lineEnd: (from: number) => number,
): Stretch | null {
  const schemeEnd = runEnd(text, from, isTokenCharacter, from + 24);
  const hasScheme = schemeEnd > from && text[schemeEnd] === " ";
  const start = hasScheme ? schemeEnd + 1 : from;
  const scheme = hasScheme ? text.slice(from, schemeEnd).toLowerCase() : "";
  const isKnown = KNOWN_SCHEMES.has(scheme);
  const isWholeLine = scheme === "digest" || scheme === "aws4-hmac-sha256";
  const end = isWholeLine ? lineEnd(start) : trimmed(text, start, passwordEnd(start));
  const value = text.slice(start, Math.min(end, start + JUDGED));
  if (value.length < (isKnown ? MIN_VALUE : 12)) return null;
  // A word, a variable or a call is no credential; behind an unknown scheme neither is what has no digit.
  if (/^[$%*{<]|^[A-Z_]+$|^[A-Z]?[a-z]+$|^your/.test(value) || "([{".includes(text[end] ?? " ")) return null;
  return isKnown || /[0-9]/.test(value) ? { start, end } : null;
}

const KNOWN_SCHEMES = new Set(["bearer", "basic", "token", "apikey", "digest", "negotiate", "aws4-hmac-sha256"]);

/** What a line of a header may hold. */
const isLineCharacter = characterSet(" -~");

/** True when a text is nothing but the secret that its name in a structure announces. */
export function isNamedSecret(text: string, label: string): boolean {
  const strength = strengthOf(label, label.length);
  if (strength === null) return false;
  const value = text.trim();
  if (value.includes("<")) return false;
  if (strength === "authorization") return value.length >= MIN_VALUE && !/^[$%*{]/.test(value);
  if (/\s/.test(value.slice(0, MAX_VALUE))) return false;
  // Under a name of its own every password is one, also without a digit.
  return strength === "password" ? value.length >= MIN_VALUE : isSecretValue(value, strength, true);
}

/** How sure a label that ends here makes it that a secret follows; null when it says nothing of the kind. */
function strengthOf(text: string, end: number): Strength | null {
  for (const { word, strength } of WORDS_BY_ENDING.get(endingOf(text, end)) ?? []) {
    if (endsWithWord(text, end, word)) return strength;
  }
  return null;
}

/** Whether the letters before `end` are this word, whatever their case and whatever joins them. */
function endsWithWord(text: string, end: number, word: string): boolean {
  let left = word.length;
  for (let at = end - 1; left > 0 && at >= 0 && at >= end - MAX_LABEL; at--) {
    const code = text.charCodeAt(at);
    if (isJoint(code)) continue;
    // The bit in which the cases of a letter differ.
    if ((code | 32) !== word.charCodeAt(left - 1)) return false;
    left -= 1;
  }
  return left === 0;
}

/** Where a label ends that stands before `at`, with quotes and up to four spaces between. */
function beforeGap(text: string, at: number): number {
  let end = at;
  while (end > at - 4 && end > 0 && isGap(text.charCodeAt(end - 1))) end -= 1;
  return end;
}

/** Whether the letters before `end` end any label. Asked at every colon and equals sign, of which code is full. */
function mayEndLabel(text: string, end: number): boolean {
  return ENDINGS[endingOf(text, end)] === 1;
}

/** The last three letters before `end` as one number, whatever their case and whatever joins them; 0 for fewer. */
function endingOf(text: string, end: number): number {
  let [ending, letters] = [0, 0];
  for (let at = end - 1; at >= 0 && letters < 3; at--) {
    const code = text.charCodeAt(at);
    if (isJoint(code)) continue;
    if (!isLetter(code)) return 0;
    ending = ending * 32 + (code & 31);
    letters += 1;
  }
  return letters === 3 ? ending : 0;
}

const isJoint = characterSet("_. -");

/** What labels end in, and for each end the surest reading first. */
const LABEL_WORDS: readonly (readonly [Strength, readonly string[]])[] = [
  ["authorization", ["authorization"]],
  ["password", ["password", "passwd", "pwd", "passphrase", "passcode"]],
  [
    "strong",
    ["secret", "token", "accesskeyid", "credential", "credentials", "bearer", "sessionid", "sessid", "cookie"],
  ],
  ["strong", ["api", "secret", "access", "private", "auth", "signing", "encryption"].map((name) => `${name}key`)],
  ["strong", ["account", "shared", "license", "service", "master"].map((name) => `${name}key`)],
  ["weak", ["key"]],
];
/** By what `endingOf` gives. */
const WORDS_BY_ENDING = new Map<number, { readonly word: string; readonly strength: Strength }[]>();
const ENDINGS = new Uint8Array(32 ** 3);
for (const [strength, words] of LABEL_WORDS) {
  for (const word of words) {
    const ending = endingOf(word, word.length);
    WORDS_BY_ENDING.set(ending, [...(WORDS_BY_ENDING.get(ending) ?? []), { word, strength }]);
    ENDINGS[ending] = 1;
  }
}

/** A run of letters and digits in which the kinds change more often than in any name. */
function looksRandom(value: string, strength: Strength): boolean {
  const judged = value.slice(0, JUDGED);
  const isHex = /^[0-9a-f-]+$/i.test(judged);
  if (strength === "weak" && (isHex || judged.length < 24)) return false;
  let changes = 0;
  let digits = 0;
  let letters = 0;
  let last = 0;
  for (let i = 0; i < judged.length; i++) {
    const code = judged.charCodeAt(i);
    const kind = isDigit(code) ? 1 : !isAlphanumeric(code) ? 0 : code < 91 ? 2 : 3;
    if (kind === 1) digits += 1;
    else if (kind > 1) letters += 1;
    // From a capital to a small letter is how every name begins.
    if (last > 0 && kind > 0 && kind !== last && !(last === 2 && kind === 3)) changes += 1;
    last = kind;
  }
  if (letters === 0) return false;
  return changes >= judged.length / (digits > 0 ? 8 : 5);
}
