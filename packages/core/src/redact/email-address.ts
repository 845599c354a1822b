import { type CharacterSet, characterSet, isAlphanumeric, isLetter, runStart } from "./character-set.js";
import type { Detector } from "./finding.js";

const MAX_LOCAL = 64;
const MAX_DOMAIN = 253;

/** E-mail addresses: a local part, an @ and a domain whose last label has two letters or more. */
export const emailAddress: Detector = (text, found) => {
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    const start = localStart(text, at);
    if (start === at || text.slice(start, at) === "git") continue; // git@host:path names a server, not a person
    const end = domainEnd(text, at + 1);
    // A bracket behind it makes it a call, such as x@w.dot(y) in NumPy.
    if (end > 0 && text[end] !== "(") found.push({ start, end, kind: "email" });
  }
};

const isPlainLocal = characterSet("A-Za-z0-9._+'-");
const isLocal: CharacterSet = (code) => isPlainLocal(code) || isAccented(code);
const isDomainWord: CharacterSet = (code) => isAlphanumeric(code) || isAccented(code);

/** Latin letters with accents. */
function isAccented(code: number): boolean {
  return code >= 0xc0 && code <= 0x24f;
}

function localStart(text: string, at: number): number {
  let start = runStart(text, at, isLocal, Math.max(0, at - MAX_LOCAL));
  while (start < at && !isDomainWord(text.charCodeAt(start)) && text[start] !== "_") start += 1;
  return start;
}

/** The end of the domain that begins at `from`, or 0 when there is none. */
function domainEnd(text: string, from: number): number {
  const limit = Math.min(text.length, from + MAX_DOMAIN);
  let end = 0;
  for (let label = from; label < limit; ) {
    let at = label;
    let letters = true;
    while (at < limit) {
      const code = text.charCodeAt(at);
      if (!isDomainWord(code) && code !== 45) break;
      if (!isLetter(code)) letters = false;
      at += 1;
    }
    const length = at - label;
    if (length === 0) break;
    const isTop = (letters && length >= 2 && length <= 24) || text.startsWith("xn--", label);
    if (label > from && isTop) end = at;
    if (text[at] !== ".") break;
    label = at + 1;
  }
  return end;
}
