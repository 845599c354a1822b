/**
 * A 64-bit hash of a text's UTF-16 units, written as two words. Two rounds of FNV-1a
 * (http://www.isthe.com/chongo/tech/comp/fnv/) with different multipliers, each finished by MurmurHash3's mixer.
 * For looking things up and counting, never for security.
 */
export function hash64(text: string, words: Uint32Array, at: number): void {
  beginHash();
  hashText(text);
  endHash(words, at);
}

/** A 32-bit hash of a text, never 0, so that 0 can mean "none". */
export function hash32(text: string): number {
  hash64(text, scratch, 0);
  return (scratch[1] as number) || 1;
}

const scratch = new Uint32Array(2);

// The running hash. In the module, not in an object: this runs for every record, and nothing waits in between.
let high = 0;
let low = 0;

/** Begins a hash over several texts; where one ends and the next begins counts. */
export function beginHash(): void {
  high = 0x811c9dc5;
  low = 0x01000193;
}

export function hashText(text: string): void {
  let [a, b] = [high, low];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, HIGH_PRIME);
    b = Math.imul(b ^ code, LOW_PRIME);
  }
  high = Math.imul(a ^ END, HIGH_PRIME);
  low = Math.imul(b ^ END, LOW_PRIME);
}

/**
 * Hashes a text trimmed and with every run of white space made one space, when NFKC surely leaves it as it is: ASCII,
 * and the letters and marks of `isStable`. Of any other text it hashes nothing and returns false.
 */
export function hashCollapsed(text: string): boolean {
  let [a, b] = [high, low];
  let gap = false;
  let begun = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 32 || (code >= 9 && code <= 13)) {
      gap = begun;
      continue;
    }
    if (code > 126 && !isStable(code)) return false;
    if (gap) {
      a = Math.imul(a ^ 32, HIGH_PRIME);
      b = Math.imul(b ^ 32, LOW_PRIME);
      gap = false;
    }
    a = Math.imul(a ^ code, HIGH_PRIME);
    b = Math.imul(b ^ code, LOW_PRIME);
    begun = true;
  }
  high = Math.imul(a ^ END, HIGH_PRIME);
  low = Math.imul(b ^ END, LOW_PRIME);
  return true;
}

export function endHash(words: Uint32Array, at: number): void {
  words[at] = mix(high ^ Math.imul(low, 0xc2b2ae35));
  words[at + 1] = mix(low);
}

/** Stands behind each text; no UTF-16 unit is as large. */
const END = 0x10000;

/** Characters that NFKC never changes, alone or beside each other, and that are no white space. */
function isStable(code: number): boolean {
  return (
    (code >= 0xc0 && code <= 0x131) || // Latin letters with accents
    (code >= 0x410 && code <= 0x44f) || // Cyrillic
    (code >= 0x4e00 && code <= 0x9fff) || // CJK ideographs
    (code >= 0x2013 && code <= 0x201d && code !== 0x2017) || // dashes and quotation marks
    code === 0x2022 || // bullet
    code === 0x20ac || // euro
    code === 0x2192 // arrow
  );
}

const HIGH_PRIME = 0x01000193;
const LOW_PRIME = 0x85ebca6b;

function mix(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
