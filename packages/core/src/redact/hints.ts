/** What a text may hold, as bits: a detector whose bit is missing would find nothing. */
export const Hint = { privateKey: 1, token: 2, wording: 4, longNumber: 8 } as const;

type HintName = keyof typeof Hint;

/**
 * Reads a text once for a dozen things that most texts have none of. To search for one after the other takes more than
 * twice as long.
 */
export function hintsOf(text: string): number {
  if (text.length > bytes.length) return EVERY_HINT;
  // Bytes are read twice as fast as a text. Of a character beyond Latin-1 half is written: it may look like another one,
  // and then a detector runs in vain.
  const length = bytes.write(text, "latin1");
  let [state, seen] = [0, 0];
  // Shift-And (Baeza-Yates and Gonnet, 1992): a place has its bit set when the characters up to here lead to it.
  for (let at = 0; at < length; at++) {
    state = ((state << 1) | FIRST_PLACES) & (PLACES_OF[bytes[at] as number] as number);
    seen |= state;
  }
  let hints = 0;
  for (const [last, hint] of LAST_PLACES) if ((seen & last) !== 0) hints |= hint;
  return hints;
}

/** Longer texts are rare, and a search in them is as fast as this. */
const bytes = Buffer.allocUnsafeSlow(16_384);

const DIGITS = "0123456789";
const JOINED = `${DIGITS} -`;

/** What stands in whatever a detector finds: a set of characters for each place, of which there are 32, a bit for each. */
const STRETCHES: readonly (readonly [hint: HintName, places: readonly string[]])[] = [
  ["privateKey", ["-", "B"]], // -----BEGIN
  ["token", ["AKS", "I", "Az"]], // AKIA, ASIA, AIza
  ["token", ["T", "3"]], // ATATT3
  ["token", ["2S", "9G", "."]], // ya29., SG.
  ["token", ["y", "J"]], // eyJ
  ["wording", ["r", "d", " ", "i"]], // password is
  ["wording", ["kr", "e", "nty", " ", "i"]], // key is, token is, secret is
  ["wording", ["r", "e", "r"]], // Bearer
  ["longNumber", [DIGITS, ...Array<string>(7).fill(JOINED)]],
];

const EVERY_HINT = Hint.privateKey | Hint.token | Hint.wording | Hint.longNumber;
const PLACES_OF = new Int32Array(256);
const LAST_PLACES: (readonly [place: number, hint: number])[] = [];
const FIRST_PLACES = layOut();

function layOut(): number {
  let first = 0;
  let place = 1;
  for (const [hint, places] of STRETCHES) {
    first |= place;
    for (const [i, members] of places.entries()) {
      for (const member of members) PLACES_OF[member.charCodeAt(0)] = (PLACES_OF[member.charCodeAt(0)] ?? 0) | place;
      if (i === places.length - 1) LAST_PLACES.push([place, Hint[hint]]);
      place <<= 1;
    }
  }
  return first;
}
