/** A set of ASCII characters, asked by UTF-16 unit. */
export type CharacterSet = (code: number) => boolean;

/** Makes a set of the characters that a pattern such as `A-Za-z0-9_` names; a hyphen at the end is one. */
export function characterSet(members: string): CharacterSet {
  const table = new Uint8Array(128);
  for (let i = 0; i < members.length; i++) {
    const first = members.charCodeAt(i);
    const isRange = members[i + 1] === "-" && i + 2 < members.length;
    const last = isRange ? members.charCodeAt(i + 2) : first;
    table.fill(1, first, last + 1);
    if (isRange) i += 2;
  }
  return (code) => code < 128 && table[code] === 1;
}

export const isDigit: CharacterSet = (code) => code >= 48 && code <= 57;
export const isLetter = characterSet("A-Za-z");
export const isAlphanumeric = characterSet("A-Za-z0-9");
/** What tokens of the base64url kind are made of. */
export const isTokenCharacter = characterSet("A-Za-z0-9_-");

/** Where the run of members that begins at `from` ends; at most `limit`. */
export function runEnd(text: string, from: number, isMember: CharacterSet, limit = text.length): number {
  let at = from;
  while (at < limit && isMember(text.charCodeAt(at))) at += 1;
  return at;
}

/** Where the run of members that ends before `to` begins; at least `limit`. */
export function runStart(text: string, to: number, isMember: CharacterSet, limit: number): number {
  let at = to;
  while (at > limit && isMember(text.charCodeAt(at - 1))) at -= 1;
  return at;
}

/** Like `runEnd`, and a run that was read already is not read again: many questions about one long run stay linear. */
export function runReader(text: string, isMember: CharacterSet): (from: number) => number {
  let [start, end] = [0, 0];
  return (from) => {
    if (from < start || from >= end) [start, end] = [from, runEnd(text, from, isMember)];
    return end;
  };
}
