/**
 * A 64-bit hash of a text's UTF-16 units, written as two words. Two rounds of FNV-1a
 * (http://www.isthe.com/chongo/tech/comp/fnv/) with different bases, each finished by MurmurHash3's mixer.
 * For looking things up and counting, never for security.
 */
export function hash64(text: string, words: Uint32Array, at: number): void {
  let high = 0x811c9dc5;
  let low = 0x01000193 ^ text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ unit, 0x85ebca6b);
  }
  words[at] = mix(high ^ Math.imul(low, 0xc2b2ae35));
  words[at + 1] = mix(low);
}

/** A 32-bit hash of a text, never 0, so that 0 can mean "none". */
export function hash32(text: string): number {
  hash64(text, scratch, 0);
  return (scratch[1] as number) || 1;
}

const scratch = new Uint32Array(2);

function mix(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
