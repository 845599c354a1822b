import { equalBytes, minHash, SIGNATURE } from "./min-hash.js";

/**
 * Finds texts that are alike, as they come. Two texts are alike when they share about 0.7 of their word pairs, and of
 * a chain of such texts all belong to one cluster. Holds some 200 bytes for every distinct text, outside the heap.
 */
export interface SimilarTexts {
  /** Takes a text in and returns its number; a text with the same words gets the same number. */
  add(text: string): number;
  /** Puts two texts into one cluster that belong together for another reason. */
  join(text: number, other: number): void;
  /** What all texts of a cluster have in common: the number of its oldest text. It may change while texts are added. */
  clusterOf(text: number): number;
  /** How many texts of its cluster were added, repeats included. */
  sizeOf(text: number): number;
  /** Whether a text is alike one that was added; it is not added itself. */
  has(text: string): boolean;
  /** Distinct texts. */
  readonly length: number;
}

/** 16 bands of 4 bytes: texts with 0.7 in common share at least one with a probability of 1 - (1 - 0.7^4)^16 = 0.988. */
const BANDS = SIGNATURE / 4;
const bandNumbers = Array.from({ length: BANDS }, (_, band) => band);
/** So many of 64 equal bytes are alike: low enough that the spread of the estimate costs hardly a text with 0.7. */
const ALIKE = 33;
/** Texts of one band that are looked at. With a template that all prompts share it would otherwise be all of them. */
const LOOKED_AT = 8;
/** The smallest table; tables double, so that a bit mask does for a remainder. */
const FIRST = 1024;

export function similarTexts(): SimilarTexts {
  let signatures = new Uint8Array(FIRST * SIGNATURE);
  let words = new Uint32Array(signatures.buffer);
  let parents = new Uint32Array(FIRST);
  let sizes = new Uint32Array(FIRST);
  /** Open addressing: text + 1, at a place that the whole signature decides; 0 is free. */
  let wholes = new Uint32Array(FIRST * 2);
  /** Open addressing: text * BANDS + band + 1, at a place that the band's four bytes decide; 0 is free. */
  let marks = new Uint32Array(FIRST * BANDS * 2);
  let filled = 0;
  let length = 0;

  const rootOf = (text: number): number => {
    let root = text;
    while (parents[root] !== root) {
      parents[root] = parents[parents[root] as number] as number;
      root = parents[root] as number;
    }
    return root;
  };

  const join = (a: number, b: number): void => {
    const [one, another] = [rootOf(a), rootOf(b)];
    if (one === another) return;
    const [older, newer] = one < another ? [one, another] : [another, one];
    parents[newer] = older;
    sizes[older] = (sizes[older] as number) + (sizes[newer] as number);
  };

  /** The slot of the text with this signature, or else the free one for it. */
  const wholeSlot = (text: number, table: Uint32Array): number => {
    const mask = table.length - 1;
    let slot = wholeHash(words, text * BANDS) & mask;
    while (table[slot] !== 0 && !isSame(words, text * BANDS, ((table[slot] as number) - 1) * BANDS)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  };

  /** Joins a text with those alike that share a band with it, and leaves a mark for those that come. */
  const meet = (text: number, band: number): void => {
    const key = words[text * BANDS + band] as number;
    const mask = marks.length - 1;
    let slot = bandHash(key, band) & mask;
    let seen = 0;
    for (let mark = marks[slot] as number; mark !== 0; mark = marks[slot] as number) {
      // `mark - 1` is also the place of the band's four bytes among all signatures.
      if (words[mark - 1] === key && (mark - 1) % BANDS === band) {
        const other = Math.floor((mark - 1) / BANDS);
        const [mine, theirs] = [rootOf(text), rootOf(other)];
        if (mine !== theirs && equalBytes(signatures, text * SIGNATURE, other * SIGNATURE) >= ALIKE) join(mine, theirs);
        seen += 1;
        if (seen === LOOKED_AT) return;
      }
      slot = (slot + 1) & mask;
    }
    marks[slot] = text * BANDS + band + 1;
    filled += 1;
  };

  const isMet = (text: number, band: number): boolean => {
    const key = words[text * BANDS + band] as number;
    const mask = marks.length - 1;
    for (let slot = bandHash(key, band) & mask; marks[slot] !== 0; slot = (slot + 1) & mask) {
      const place = (marks[slot] as number) - 1;
      if (words[place] !== key || place % BANDS !== band) continue;
      const other = Math.floor(place / BANDS);
      if (equalBytes(signatures, text * SIGNATURE, other * SIGNATURE) >= ALIKE) return true;
    }
    return false;
  };

  const makeRoom = (): void => {
    // One place is kept free for the signature of a text that may turn out to be known.
    if (length + 1 === parents.length) {
      signatures = doubled(signatures);
      words = new Uint32Array(signatures.buffer);
      parents = doubled(parents);
      sizes = doubled(sizes);
      const larger = new Uint32Array(wholes.length * 2);
      for (let text = 0; text < length; text++) larger[wholeSlot(text, larger)] = text + 1;
      wholes = larger;
    }
    if ((filled + BANDS) * 4 <= marks.length * 3) return;
    const larger = new Uint32Array(marks.length * 2);
    const mask = larger.length - 1;
    for (const mark of marks) {
      if (mark === 0) continue;
      let slot = bandHash(words[mark - 1] as number, (mark - 1) % BANDS) & mask;
      while (larger[slot] !== 0) slot = (slot + 1) & mask;
      larger[slot] = mark;
    }
    marks = larger;
  };

  return {
    add(text) {
      makeRoom();
      const number = length;
      minHash(text, signatures, number * SIGNATURE);
      const slot = wholeSlot(number, wholes);
      if (wholes[slot] !== 0) {
        const same = (wholes[slot] as number) - 1;
        const root = rootOf(same);
        sizes[root] = (sizes[root] as number) + 1;
        return same;
      }
      wholes[slot] = number + 1;
      parents[number] = number;
      sizes[number] = 1;
      for (let band = 0; band < BANDS; band++) meet(number, band);
      length += 1;
      return number;
    },
    join,
    clusterOf: rootOf,
    has(text) {
      makeRoom();
      minHash(text, signatures, length * SIGNATURE);
      return wholes[wholeSlot(length, wholes)] !== 0 || bandNumbers.some((band) => isMet(length, band));
    },
    sizeOf: (text) => sizes[rootOf(text)] as number,
    get length() {
      return length;
    },
  };
}

function isSame(words: Uint32Array, a: number, b: number): boolean {
  for (let i = 0; i < BANDS; i++) if (words[a + i] !== words[b + i]) return false;
  return true;
}

function wholeHash(words: Uint32Array, at: number): number {
  let hash = 0;
  for (let i = 0; i < BANDS; i++) hash = Math.imul(hash ^ (words[at + i] as number), 0x85ebca6b) ^ (hash >>> 15);
  return hash ^ (hash >>> 16);
}

function bandHash(key: number, band: number): number {
  const hash = Math.imul(key ^ Math.imul(band + 1, 0x85ebca6b), 0x9e3779b1);
  return hash ^ (hash >>> 15);
}

function doubled<Column extends Uint8Array | Uint32Array>(column: Column): Column {
  const larger = new (column.constructor as new (length: number) => Column)(column.length * 2);
  larger.set(column);
  return larger;
}
