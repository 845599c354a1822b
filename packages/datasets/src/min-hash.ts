import { mixed, wordHashes } from "./words.js";

/** Bytes of a signature. */
export const SIGNATURE = 64;

/**
 * Writes the MinHash signature of a text's word pairs: of two texts about as many bytes are equal as the Jaccard
 * similarity of their word pairs says.
 *
 * One-permutation hashing (Li, Owen, Zhang 2012) with optimal densification (Shrivastava 2017): one hash a word pair
 * instead of 64, and short texts are estimated as well as long ones.
 */
export function minHash(text: string, into: Uint8Array, at: number): void {
  minima.fill(EMPTY);
  const words = wordHashes(text);
  if (words.length === 1) addPair(0, words[0] as number);
  for (let i = 1; i < words.length; i++) addPair(words[i - 1] as number, words[i] as number);
  for (let bin = 0; bin < SIGNATURE; bin++) into[at + bin] = byteOf(bin);
}

/** How many bytes of two signatures are equal. */
export function equalBytes(signatures: Uint8Array, a: number, b: number): number {
  let equal = 0;
  for (let i = 0; i < SIGNATURE; i++) if (signatures[a + i] === signatures[b + i]) equal += 1;
  return equal;
}

const EMPTY = 0xffffffff;
const minima = new Uint32Array(SIGNATURE);

// The upper bits of a pair's hash choose a bin, which keeps the least of the lower ones.
function addPair(first: number, second: number): void {
  const hash = mixed(Math.imul(first, 0x9e3779b1) ^ second);
  const bin = hash >>> 26;
  const value = hash & 0x3ffffff;
  if (value < (minima[bin] as number)) minima[bin] = value;
}

/** The byte of a bin; an empty one borrows from the first full one in an order of its own. */
function byteOf(bin: number): number {
  for (let i = 0; i < SIGNATURE; i++) {
    const minimum = minima[DONORS[bin * SIGNATURE + i] as number] as number;
    if (minimum !== EMPTY) return minimum & 0xff;
  }
  return 0;
}

/** For every bin all bins in an order of its own, itself first. */
const DONORS = Uint8Array.from(
  Array.from({ length: SIGNATURE }, (_, bin) => {
    const rank = (other: number) => (other === bin ? -1 : mixed(bin * SIGNATURE + other + 1));
    return Array.from({ length: SIGNATURE }, (_, other) => other).sort((a, b) => rank(a) - rank(b));
  }).flat(),
);
