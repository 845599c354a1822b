/**
 * The words of a text as 32-bit hashes, good until the next call. Letter case, punctuation, white space and Unicode
 * form do not count. A text of signs alone is one word.
 */
export function wordHashes(text: string): Int32Array {
  return words.subarray(0, hashWords(text, false));
}

/** The finalizer of MurmurHash3. */
export function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

let words = new Int32Array(1024);

/** Puts the hashes into `words` and returns how many they are. A text is normalised when something beyond ASCII comes. */
function hashWords(text: string, isNormal: boolean): number {
  // No text has more words than characters; asking once is cheaper than at each word.
  if (text.length > words.length) words = new Int32Array(text.length * 2);
  let count = 0;
  let word = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127 && !isNormal) return hashWords(text.normalize("NFKC").toLowerCase(), true);
    const sign = code > 127 ? signOf(code) : (ASCII_SIGNS[code] as number);
    if (sign !== BETWEEN) {
      word = Math.imul(word ^ sign, FNV_PRIME);
      if (sign < WHOLE_WORD) continue;
    } else if (word === FNV_OFFSET) continue;
    words[count] = word;
    count += 1;
    word = FNV_OFFSET;
  }
  if (word !== FNV_OFFSET) {
    words[count] = word;
    count += 1;
  }
  if (count > 0) return count;
  words[0] = signsHash(text.trim());
  return 1;
}

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

/** What a character adds to a word: its code, with `WHOLE_WORD` where it ends one, or nothing. */
const [BETWEEN, WHOLE_WORD] = [0, 0x10000] as const;

const ASCII_SIGNS = Uint8Array.from({ length: 128 }, (_, code) => {
  const sign = String.fromCharCode(code).toLowerCase();
  return /[a-z0-9]/.test(sign) ? sign.charCodeAt(0) : BETWEEN;
});

/** Beyond ASCII all but punctuation is a letter; in writing without spaces every sign is a word. */
function signOf(code: number): number {
  if (code < 0xc0 || (code >= 0x2000 && code < 0x2070) || (code >= 0x3000 && code < 0x3040)) return BETWEEN;
  if ((code >= 0x2e80 && code < 0xa4d0) || (code >= 0xf900 && code < 0xfb00)) return code | WHOLE_WORD; // Han, kana
  return code;
}

function signsHash(signs: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < signs.length; i++) hash = Math.imul(hash ^ signs.charCodeAt(i), FNV_PRIME);
  return hash;
}
