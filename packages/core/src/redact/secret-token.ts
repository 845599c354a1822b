import { isAlphanumeric, isTokenCharacter, runEnd, runReader, runStart } from "./character-set.js";
import type { Detector } from "./finding.js";

/** What providers' keys begin with, and how long the rest is at least. */
interface KeyForm {
  /** Units behind the prefix. */
  readonly length: number;
  /** The longest stretch of letters and digits: words joined by hyphens are no key. */
  readonly stretch: number;
}

const key = (length: number, stretch = length): KeyForm => ({ length, stretch });

/** Prefixes that end in their first hyphen or underscore. */
const KEY_FORMS: ReadonlyMap<string, KeyForm> = new Map([
  ["sk-", key(20, 12)], // OpenAI (sk-, sk-proj-), Anthropic (sk-ant-), OpenRouter, DeepSeek, Langfuse
  ["pk-", key(20, 12)],
  ["sk_", key(16, 12)], // Stripe sk_live_, sk_test_; ElevenLabs
  ["rk_", key(16, 12)],
  ["whsec_", key(24, 12)],
  ["gsk_", key(24)], // Groq
  ["xai-", key(24)],
  ["pplx-", key(24)],
  ["nvapi-", key(24, 12)],
  ["tvly-", key(20, 12)],
  ["r8_", key(24)], // Replicate
  ["hf_", key(30)], // Hugging Face
  ["lsv2_", key(32, 12)], // LangSmith
  ["ghp_", key(20)], // GitHub
  ["gho_", key(20)],
  ["ghu_", key(20)],
  ["ghs_", key(20)],
  ["ghr_", key(20)],
  ["github_", key(40, 20)], // github_pat_
  ["glpat-", key(16, 6)], // GitLab
  ["gldt-", key(16, 6)],
  ["glrt-", key(16, 6)],
  ["npm_", key(30)],
  ["pypi-", key(40, 12)],
  ["xoxa-", key(10, 8)], // Slack
  ["xoxb-", key(10, 8)],
  ["xoxe-", key(10, 8)],
  ["xoxo-", key(10, 8)],
  ["xoxp-", key(10, 8)],
  ["xoxr-", key(10, 8)],
  ["xoxs-", key(10, 8)],
  ["xapp-", key(20, 8)],
  ["shpat_", key(24)], // Shopify
  ["shpca_", key(24)],
  ["shppa_", key(24)],
  ["shpss_", key(24)],
  ["dop_", key(40)], // DigitalOcean dop_v1_
  ["doo_", key(40)],
  ["glsa_", key(30, 20)], // Grafana
  ["dckr_", key(24, 12)], // Docker dckr_pat_
  ["GOCSPX-", key(20, 8)], // Google OAuth
  ["sntrys_", key(30, 12)],
  ["figd_", key(30, 8)],
  ["lin_", key(36, 30)],
  ["secret_", key(36)], // Notion
  ["ntn_", key(36)],
]);

/** Keys without a hyphen or underscore in front: the whole anchor, and how many token characters follow it. */
const FIXED_FORMS: readonly { readonly anchor: string; readonly length: number; readonly exact?: boolean }[] = [
  { anchor: "AKIA", length: 16, exact: true }, // AWS access keys
  { anchor: "ASIA", length: 16, exact: true },
  { anchor: "AIza", length: 30 }, // Google
  { anchor: "ATATT3", length: 40 }, // Atlassian
  { anchor: "ya29.", length: 20 }, // Google OAuth
  { anchor: "SG.", length: 18 }, // SendGrid
];

/** The last two characters of prefixes: what else stands before a hyphen or an underscore is sorted out by one look. */
const PREFIX_ENDS = new Uint8Array(128 ** 2);
for (const prefix of KEY_FORMS.keys()) PREFIX_ENDS[prefixEnd(prefix, prefix.length - 1)] = 1;
const MAX_PREFIX = 8;
/** Prefixes that are tried in one run of token characters. */
const MAX_TRIES = 8;
/** How much of a token is looked at to judge it. */
const JUDGED = 256;
/** `{"alg":""}` and the longest that is decoded. */
const MIN_JWT_HEADER = 14;
const MAX_JWT_HEADER = 4_096;

/** Providers' keys that a prefix gives away. */
export const prefixedKey: Detector = (text, found) => {
  let endOfToken: ((from: number) => number) | undefined;
  for (const separator of ["_", "-"]) {
    let [triedRun, tries] = [0, 0];
    for (let at = text.indexOf(separator); at >= 0; at = text.indexOf(separator, at + 1)) {
      if (PREFIX_ENDS[prefixEnd(text, at)] !== 1) continue;
      const start = prefixStart(text, at);
      const form = start < at ? KEY_FORMS.get(text.slice(start, at + 1)) : undefined;
      if (!form) continue;
      endOfToken ??= runReader(text, isTokenCharacter);
      const end = endOfToken(at + 1);
      tries = end === triedRun ? tries + 1 : 1;
      triedRun = end;
      if (tries > MAX_TRIES) continue;
      if (end - at <= form.length || longestStretch(text, at + 1, end) < form.stretch) continue;
      if (!isMixed(text, at + 1, end)) continue;
      found.push({ start, end, kind: "secret" });
      at = end - 1;
    }
  }
};

/** Providers' keys without a prefix, and JSON Web Tokens. */
export const secretToken: Detector = (text, found) => {
  const endOfToken = runReader(text, isTokenCharacter);
  for (const { anchor, length, exact } of FIXED_FORMS) {
    for (let at = text.indexOf(anchor); at >= 0; at = text.indexOf(anchor, at + 1)) {
      const body = at + anchor.length;
      const end = exact ? runEnd(text, body, isAlphanumeric, body + length + 1) : endOfToken(body);
      if (exact ? end - body !== length : end - body < length) continue;
      // SendGrid's have a second part behind a point.
      const whole = anchor.endsWith(".") && text[end] === "." ? endOfToken(end + 1) : end;
      if (at === wordStart(text, at)) found.push({ start: at, end: whole, kind: "secret" });
      at = whole - 1;
    }
  }
  let judged = 0;
  for (let at = text.indexOf("J"); at >= 0; at = text.indexOf("J", at + 1)) {
    const start = at - 2;
    if (start < judged || text[start] !== "e" || text[at - 1] !== "y") continue;
    // The run is judged once, from its first "eyJ" on: it begins a token there or nowhere.
    judged = endOfToken(start);
    const end = jwtEnd(text, start, judged, endOfToken);
    if (end > 0) found.push({ start, end, kind: "secret" });
  }
};

/** The two characters before `at` as one number: of ASCII each pair has its own. */
function prefixEnd(text: string, at: number): number {
  return at < 2 ? -1 : text.charCodeAt(at - 2) * 128 + text.charCodeAt(at - 1);
}

/** Where the letters and digits before `at` begin that can be a prefix: behind anything else, and behind an escape. */
function prefixStart(text: string, at: number): number {
  const start = runStart(text, at, isAlphanumeric, Math.max(0, at - MAX_PREFIX - 2));
  return afterEscape(text, start, at);
}

/** Where the word that holds `at` begins. */
function wordStart(text: string, at: number): number {
  return afterEscape(text, runStart(text, at, isAlphanumeric, Math.max(0, at - 4)), at);
}

/** A line feed written as `\n`, or a character as `%3D`, is no part of the word behind it. */
function afterEscape(text: string, start: number, at: number): number {
  if (text[start - 1] === "\\" && at > start && "nrtfb".includes(text[start] ?? "")) return start + 1;
  if (text[start - 1] === "%" && at >= start + 2) return start + 2;
  return start;
}

function longestStretch(text: string, from: number, to: number): number {
  let longest = 0;
  let begun = from;
  const limit = Math.min(to, from + JUDGED);
  for (let at = from; at <= limit; at++) {
    if (at < limit && isAlphanumeric(text.charCodeAt(at))) continue;
    longest = Math.max(longest, at - begun);
    begun = at + 1;
  }
  return longest;
}

/** Letters of both cases, or letters and digits: one long word is no key. */
function isMixed(text: string, from: number, to: number): boolean {
  const body = text.slice(from, Math.min(to, from + JUDGED));
  return (/[a-z]/.test(body) && /[A-Z]/.test(body)) || (/[A-Za-z]/.test(body) && /[0-9]/.test(body));
}

/** The end of the JSON Web Token that begins here, or 0 when its first part is no header. */
function jwtEnd(text: string, start: number, headerEnd: number, endOfToken: (from: number) => number): number {
  if (text[headerEnd] !== "." || headerEnd - start < MIN_JWT_HEADER || headerEnd - start > MAX_JWT_HEADER) return 0;
  if (!isJwtHeader(text.slice(start, headerEnd))) return 0;
  let end = headerEnd;
  // Three parts when signed, five when encrypted, fewer when the text was cut.
  for (let part = 1; part < 5 && text[end] === "."; part++) {
    const next = endOfToken(end + 1);
    if (next === end + 1 && part !== 2) break;
    end = next;
  }
  return end > headerEnd + 1 ? end : 0;
}

/** A JSON object with a field that only headers have. Not parsed: thousands of broken ones would cost an exception each. */
function isJwtHeader(part: string): boolean {
  const header = Buffer.from(part, "base64url").toString("latin1").trimEnd();
  return header.startsWith('{"') && header.endsWith("}") && /"(?:alg|enc|typ)"\s*:/.test(header);
}
