/**
 * The words of a text as 32-bit hashes, good until the next call. Letter case, punctuation, white space and Unicode
 * form do not count. A text of signs alone is one word.
 */
export function wordHashes(text: string): Int32Array {
  const plain = BEYOND_ASCII.test(text) ? text.normalize("NFKC").toLowerCase() : text;
  let count = 0;
  let word = FNV_OFFSET;
  for (let i = 0; i <= plain.length; i++) {
    const code = i < plain.length ? plain.charCodeAt(i) : SPACE;
    const kind = code < 128 ? (ASCII_KINDS[code] as number) : kindOf(code);
    if (kind !== BETWEEN) word = Math.imul(word ^ (kind === CAPITAL ? code | 32 : code), FNV_PRIME);
    if (kind === CAPITAL || kind === LETTER || word === FNV_OFFSET) continue;
    if (count === words.length) words = grown(words);
    words[count] = word;
    count += 1;
    word = FNV_OFFSET;
  }
  if (count > 0) return words.subarray(0, count);
  words[0] = signsHash(plain.trim());
  return words.subarray(0, 1);
}

/** The finalizer of MurmurHash3. */
export function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

let words = new Int32Array(1024);

const BEYOND_ASCII = /[\u0080-\uffff]/;
const SPACE = 32;
const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;
const [BETWEEN, LETTER, CAPITAL, WHOLE_WORD] = [0, 1, 2, 3] as const;

const ASCII_KINDS = Uint8Array.from({ length: 128 }, (_, code) => {
  const sign = String.fromCharCode(code);
  return /[A-Z]/.test(sign) ? CAPITAL : /[a-z0-9]/.test(sign) ? LETTER : BETWEEN;
});

/** Beyond ASCII all but punctuation is a letter; in writing without spaces every sign is a word. */
function kindOf(code: number): number {
  if (code < 0xc0 || (code >= 0x2000 && code < 0x2070) || (code >= 0x3000 && code < 0x3040)) return BETWEEN;
  if ((code >= 0x2e80 && code < 0xa4d0) || (code >= 0xf900 && code < 0xfb00)) return WHOLE_WORD; // Han, kana
  return LETTER;
}

function signsHash(signs: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < signs.length; i++) hash = Math.imul(hash ^ signs.charCodeAt(i), FNV_PRIME);
  return hash;
}

function grown(column: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(column.length * 2);
  larger.set(column);
  return larger;
}
