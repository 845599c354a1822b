import { ConfigError } from "../errors.js";
import { bankAccount } from "./bank-account.js";
import { cardNumber } from "./card-number.js";
import { emailAddress } from "./email-address.js";
import type { Detector, Finding, RedactedKind } from "./finding.js";
import { Hint, hintsOf } from "./hints.js";
import { assignedSecret, isNamedSecret, spokenSecret } from "./labelled-secret.js";
import { longNumbers, type NumberDetector } from "./long-number.js";
import { phoneNumber } from "./phone-number.js";
import { createPlaceholders, type Placeholders } from "./placeholders.js";
import { privateKey } from "./private-key.js";
import { prefixedKey, secretToken } from "./secret-token.js";
import { socialSecurityNumber } from "./social-security-number.js";
import { urlCredentials } from "./url-credentials.js";

/** What is removed besides secrets, which always are. */
export interface RedactOptions {
  /** E-mail addresses. Default true. */
  readonly email?: boolean;
  /** Payment cards. Default true. */
  readonly card?: boolean;
  /** International bank account numbers. Default true. */
  readonly iban?: boolean;
  /** Phone numbers in the international form with a +. Default true. */
  readonly phone?: boolean;
  /** US social security numbers. Default false. */
  readonly ssn?: boolean;
  /** A detector of your own: gets each text after ours and returns what may be stored. It must not be async. */
  readonly also?: (text: string) => string;
}

/** A text as it may be stored, and how many finds of each kind were replaced. */
export interface RedactedText {
  readonly text: string;
  readonly counts: Readonly<Partial<Record<RedactedKind, number>>>;
}

export interface RedactTextOptions {
  /** Shared by texts that belong together. Default: this text stands alone. */
  readonly placeholders?: Placeholders;
  /** The name that a structure gives the text, such as `api_key` or `card_number`. */
  readonly label?: string;
  /** Look for nothing but secrets, as in names that developers give. */
  readonly secretsOnly?: boolean;
}

export type Redactor = (text: string, options?: RedactTextOptions) => RedactedText;

/** A replaced find can bring two others together; a text that is not done after as many rounds is refused. */
const MAX_ROUNDS = 8;

/**
 * Makes the function that replaces secrets and personal data by placeholders such as `<EMAIL_1>`, in linear time. What
 * it has redacted it leaves as it is.
 * @throws ConfigError for wrong options. The function throws when texts have more than 10,000 values to replace, or `also` fails.
 */
export function redactor(options: RedactOptions = {}): Redactor {
  const { email = true, card = true, iban = true, phone = true, ssn = false, also } = checked(options);
  const personal: Detector[] = [];
  const numbers: NumberDetector[] = [];
  if (email) personal.push(emailAddress);
  if (phone) personal.push(phoneNumber);
  if (card) numbers.push(cardNumber);
  if (iban) numbers.push(bankAccount);
  if (ssn) numbers.push(socialSecurityNumber);

  function findings(text: string, label: string, secretsOnly: boolean): Finding[] {
    if (label !== "" && isNamedSecret(text, label)) return [{ start: 0, end: text.length, kind: "secret" }];
    const found: Finding[] = [];
    if (text.length < SHORT && !TELLING.test(text)) return found;
    const hints = hintsOf(text);
    for (const detect of SECRETS) detect(text, found);
    if ((hints & Hint.privateKey) !== 0) privateKey(text, found);
    if ((hints & Hint.token) !== 0) secretToken(text, found);
    if ((hints & Hint.wording) !== 0) spokenSecret(text, found);
    if (secretsOnly) return found;
    for (const detect of personal) detect(text, found);
    if (numbers.length === 0 || (hints & Hint.longNumber) === 0) return found;
    for (const number of longNumbers(text)) for (const detect of numbers) detect(text, number, found, label);
    return found;
  }

  return (given, { placeholders = createPlaceholders(), label = "", secretsOnly = false } = {}) => {
    let text = given;
    let counts: Partial<Record<RedactedKind, number>> = NOTHING;
    for (let round = 0; text.length >= MIN_LENGTH; round++) {
      const found = findings(text, label, secretsOnly);
      if (found.length === 0) break;
      if (round === MAX_ROUNDS) throw new Error(`a text is not redacted after ${MAX_ROUNDS} rounds`);
      if (counts === NOTHING) counts = {};
      text = replaced(text, merged(found), placeholders, counts);
    }
    if (!also || secretsOnly) return { text, counts };
    const rest: unknown = also(text);
    if (typeof rest !== "string") throw new TypeError(`redact.also returned ${typeof rest}, not a string`);
    return { text: rest.toWellFormed(), counts };
  };
}

const SECRETS: readonly Detector[] = [urlCredentials, prefixedKey, assignedSecret];
const NOTHING: Readonly<Partial<Record<RedactedKind, number>>> = Object.freeze({});
/** a@b.co is the shortest thing that is looked for. */
const MIN_LENGTH = 6;
/** Whatever is found in a text shorter than this has one of these characters: roles, names and words cost next to nothing. */
const SHORT = 20;
const TELLING = /[@:=+0-9_-]/;

/** From the left, without overlaps. */
function merged(found: Finding[]): Finding[] {
  const kept: Finding[] = [];
  for (const next of found.sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = kept.at(-1);
    if (!last || next.start >= last.end) {
      kept.push(next);
      continue;
    }
    // An address that begins inside a secret, as in user:password@host: what is left of it is looked at again.
    if (last.kind === "secret" && next.kind !== "secret") continue;
    kept[kept.length - 1] = { start: last.start, end: Math.max(last.end, next.end), kind: next.kind };
  }
  return kept;
}

function replaced(
  text: string,
  findings: readonly Finding[],
  placeholders: Placeholders,
  counts: Partial<Record<RedactedKind, number>>,
): string {
  const parts: string[] = [];
  let from = 0;
  for (const { start, end, kind } of findings) {
    parts.push(text.slice(from, start), placeholders(kind, text.slice(start, end)));
    counts[kind] = (counts[kind] ?? 0) + 1;
    from = end;
  }
  parts.push(text.slice(from));
  return parts.join("");
}

function checked(options: RedactOptions): RedactOptions {
  for (const [name, value] of Object.entries(options)) {
    const wanted = name === "also" ? "function" : "boolean";
    if (!["email", "card", "iban", "phone", "ssn", "also"].includes(name)) {
      throw new ConfigError(`redact.${name} is not known: use email, card, iban, phone, ssn or also`);
    }
    if (value !== undefined && typeof value !== wanted) throw new ConfigError(`redact.${name} is no ${wanted}`);
  }
  return options;
}
