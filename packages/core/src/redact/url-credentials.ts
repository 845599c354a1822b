import { isLetter } from "./character-set.js";
import type { Detector } from "./finding.js";

const MAX_USER_INFO = 1_024;
const ENDS_AUTHORITY = new Set("/?#\\ \t\r\n\"'`<>|,;");

/** What stands between `://` and `@`: a user and a password, or a token by itself. */
export const urlCredentials: Detector = (text, found) => {
  if (!text.includes("@")) return;
  for (let at = text.indexOf("://"); at >= 0; at = text.indexOf("://", at + 3)) {
    if (at === 0 || !isLetterOrDigit(text, at - 1)) continue;
    const start = at + 3;
    let end = 0;
    const limit = Math.min(text.length, start + MAX_USER_INFO);
    for (let i = start; i < limit && !ENDS_AUTHORITY.has(text[i] as string); i++) if (text[i] === "@") end = i;
    if (end > start && isSecret(text.slice(start, end))) found.push({ start, end, kind: "secret" });
  }
};

function isLetterOrDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return isLetter(code) || (code >= 48 && code <= 57);
}

function isSecret(userInfo: string): boolean {
  const colon = userInfo.indexOf(":");
  if (colon < 0) return userInfo.length >= 16 && /[0-9]/.test(userInfo);
  const password = userInfo.slice(colon + 1);
  // ${PASSWORD} and *** stand for one.
  return password !== "" && !/^(?:\$|\{|%[A-Z_]{3}|\*+$|x{3,}$)/.test(password);
}
