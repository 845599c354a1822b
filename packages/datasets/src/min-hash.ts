import { mixed, wordHashes } from "./words.js";

/** A signature has 64 bytes, in words of four, so that four bins borrow and four bytes are compared in one step. */
export const SIGNATURE = 16;

/**
 * Writes the MinHash signature of a text's word pairs: of two texts about as many bytes are equal as the Jaccard
 * similarity of their word pairs says, and each word is equal as often as four bytes chosen by chance.
 *
 * One-permutation hashing (Li, Owen, Zhang 2012): one hash a word pair instead of 64. Where a short text leaves bins
 * empty, each borrows from the first full one in an order of its own (densification, after Shrivastava 2017).
 */
export function minHash(text: string, into: Int32Array, at: number): void {
  minima.fill(EMPTY);
  const words = wordHashes(text);
  if (words.length === 1) addPair(0, words[0] as number);
  for (let i = 1; i < words.length; i++) addPair(words[i - 1] as number, words[i] as number);
  for (let word = 0; word < SIGNATURE; word++) gather(word);
  for (let word = 0; word < SIGNATURE; word++) borrow(word);
  for (let word = 0; word < SIGNATURE; word++) {
    // Bins of one word borrow from the same others. With bytes of four words one band says little of another.
    into[at + word] =
      ((full[word] as number) & 0xff) |
      ((full[SECOND[word] as number] as number) & 0xff00) |
      ((full[THIRD[word] as number] as number) & 0xff0000) |
      ((full[FOURTH[word] as number] as number) & 0xff000000);
  }
}

/** How many bytes of two signatures are equal. */
export function equalBytes(signatures: Int32Array, a: number, b: number): number {
  let equal = 0;
  for (let i = 0; i < SIGNATURE; i++) {
    const difference = (signatures[a + i] as number) ^ (signatures[b + i] as number);
    // The upper bit of every byte that is 0; the product adds the four bits up.
    const zeros = ~(((difference & 0x7f7f7f7f) + 0x7f7f7f7f) | difference | 0x7f7f7f7f);
    equal += Math.imul(zeros >>> 7, 0x01010101) >>> 24;
  }
  return equal;
}

/** Bit 30 tells it from the 26 bits of a minimum. */
const EMPTY = 0x7fffffff;
const minima = new Int32Array(SIGNATURE * 4);

// The upper bits of a pair's hash choose a bin, which keeps the least of the lower ones.
function addPair(first: number, second: number): void {
  const hash = mixed(Math.imul(first, 0x9e3779b1) ^ second);
  const bin = hash >>> 26;
  const value = hash & 0x3ffffff;
  if (value < (minima[bin] as number)) minima[bin] = value;
}

const own = new Int32Array(SIGNATURE);
const gaps = new Int32Array(SIGNATURE);
const full = new Int32Array(SIGNATURE);

/** Puts the lowest bytes of four bins into one word, and ones where they are empty into another. */
function gather(word: number): void {
  const a = minima[word * 4] as number;
  const b = minima[word * 4 + 1] as number;
  const c = minima[word * 4 + 2] as number;
  const d = minima[word * 4 + 3] as number;
  const gap =
    (((a << 1) >> 31) & 0xff) |
    (((b << 1) >> 31) & 0xff00) |
    (((c << 1) >> 31) & 0xff0000) |
    (((d << 1) >> 31) & 0xff000000);
  own[word] = ((a & 0xff) | ((b & 0xff) << 8) | ((c & 0xff) << 16) | (d << 24)) & ~gap;
  gaps[word] = gap;
}

/**
 * Fills the gaps of a word from words at the same distances for all, turned by the same number of bytes. So each full
 * bin lends once in a step, which makes the estimate spread less than if every bin chose for itself.
 */
function borrow(word: number): void {
  let value = own[word] as number;
  let gap = gaps[word] as number;
  for (let step = 0; gap !== 0; step++) {
    const distance = DISTANCES[step] as number;
    const lender = word ^ (distance & 15);
    const turn = (distance >> 4) * 8;
    const lent = own[lender] as number;
    const missing = gaps[lender] as number;
    value |= ((lent << turn) | (lent >>> -turn)) & gap;
    gap &= (missing << turn) | (missing >>> -turn);
  }
  full[word] = value;
}

/** All 63 ways from a bin to another one: the lower four bits say to which word, the upper two by how many bytes turned. */
const DISTANCES = shuffled(SIGNATURE * 4, 0).filter((distance) => distance !== 0);
const [SECOND, THIRD, FOURTH] = [shuffled(SIGNATURE, 100), shuffled(SIGNATURE, 200), shuffled(SIGNATURE, 300)] as const;

function shuffled(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i).sort((a, b) => mixed(a + seed) - mixed(b + seed));
}
