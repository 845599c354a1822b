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

/**
 * A band is a word of the signature, four bytes: texts with 0.7 in common share at least one of the 16 with a
 * probability of 1 - (1 - 0.7^4)^16 = 0.988.
 */
const BANDS = SIGNATURE;
/** So many of 64 equal bytes are alike: low enough that the spread of the estimate costs hardly a text with 0.7. */
const ALIKE = 36;
/** Texts with the same band that are looked at. With a template that all prompts share it would otherwise be all of them. */
const LOOKED_AT = 8;
/** Those that find so many there go on to the ones with one more byte in common, until they have looked so many times. */
const LOOKS = 4;
/** So many texts at most wait to be compared, which then takes about a quarter of a second. */
const WAITING = 131_072;
/** Columns and tables double, so that bits of a hash are a place. */
const FIRST_BITS = 10;

export function similarTexts(): SimilarTexts {
  let capacity = 1 << FIRST_BITS;
  let signatures = new Int32Array(capacity * SIGNATURE);
  let parents = new Uint32Array(capacity);
  let sizes = new Uint32Array(capacity);
  /** Open addressing: text + 1, at a place that the whole signature decides; 0 is free. */
  let wholes = new Uint32Array(capacity * 2);
  /**
   * Open addressing, 2^markBits slots for each band; 0 is free. The upper bits of a hash are the slot, its other bits
   * stand there in front of text + 1: so a mark of other bytes is passed by without a look at the text's signature.
   */
  let markBits = FIRST_BITS;
  let marks = new Int32Array(BANDS << markBits);
  let length = 0;
  /** Texts before this one are compared and marked. */
  let settled = 0;

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

  const isAlike = (a: number, b: number): boolean => equalBytes(signatures, a * SIGNATURE, b * SIGNATURE) >= ALIKE;

  /** The slot of the text with this signature, or else the free one for it. */
  const wholeSlot = (text: number, table: Uint32Array): number => {
    const mask = table.length - 1;
    let slot = wholeHash(signatures, text * SIGNATURE) & mask;
    while (table[slot] !== 0 && !isSame(signatures, text * SIGNATURE, ((table[slot] as number) - 1) * SIGNATURE)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  };

  /** Shows a text those that share a band with it, as many as are looked at, and leaves its mark for those that come. */
  const meet = (text: number, band: number, show: (text: number, other: number) => void, leavesMark: boolean): void => {
    const at = text * SIGNATURE;
    let hash = mixedIn(0, signatures[at + band] as number);
    for (let look = 0; look < LOOKS; look++) {
      const tag = hash << markBits;
      let slot = (band << markBits) | (hash >>> (32 - markBits));
      let seen = 0;
      for (let mark = marks[slot] as number; mark !== 0 && seen < LOOKED_AT; mark = marks[slot] as number) {
        // Now and then another hash has the same tag. That costs a comparison and no more.
        if ((mark ^ tag) >>> markBits === 0) {
          show(text, (mark & ((1 << markBits) - 1)) - 1);
          seen += 1;
        }
        slot = (slot + 1) & (marks.length - 1);
      }
      if (seen < LOOKED_AT) {
        if (leavesMark) marks[slot] = tag | (text + 1);
        return;
      }
      const nextBand = signatures[at + ((band + 1) % BANDS)] as number;
      hash = mixedIn(hash, (nextBand >>> (8 * look)) & 0xff);
    }
  };

  const joinAlike = (text: number, other: number): void => {
    const [mine, theirs] = [rootOf(text), rootOf(other)];
    if (mine !== theirs && isAlike(text, other)) join(mine, theirs);
  };

  let isKnown = false;
  const recognise = (text: number, other: number): void => {
    isKnown ||= isAlike(text, other);
  };

  /**
   * Compares the texts that came since. Joining knows no order, so it can wait until someone asks, and then go band by
   * band: the marks of one stay in the processor's cache, where those of all do not.
   */
  const settle = (): void => {
    if (settled === length) return;
    if (length * 4 > 3 << markBits) {
      while (length * 4 > 3 << markBits) markBits += 1;
      marks = new Int32Array(BANDS << markBits);
      meetAll(0, settled, ignore);
    }
    meetAll(settled, length, joinAlike);
    settled = length;
  };

  const meetAll = (from: number, to: number, show: (text: number, other: number) => void): void => {
    for (let band = 0; band < BANDS; band++) {
      for (let text = from; text < to; text++) meet(text, band, show, true);
    }
  };

  const makeRoom = (): void => {
    // One place is kept free for the signature of a text that may turn out to be known.
    if (length + 1 < capacity) return;
    capacity *= 2;
    signatures = grown(signatures, new Int32Array(capacity * SIGNATURE));
    parents = grown(parents, new Uint32Array(capacity));
    sizes = grown(sizes, new Uint32Array(capacity));
    const larger = new Uint32Array(capacity * 2);
    for (let text = 0; text < length; text++) larger[wholeSlot(text, larger)] = text + 1;
    wholes = larger;
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
      length += 1;
      if (length - settled === WAITING) settle();
      return number;
    },
    join,
    clusterOf(text) {
      settle();
      return rootOf(text);
    },
    sizeOf(text) {
      settle();
      return sizes[rootOf(text)] as number;
    },
    has(text) {
      settle();
      makeRoom();
      minHash(text, signatures, length * SIGNATURE);
      if (wholes[wholeSlot(length, wholes)] !== 0) return true;
      isKnown = false;
      for (let band = 0; band < BANDS && !isKnown; band++) meet(length, band, recognise, false);
      return isKnown;
    },
    get length() {
      return length;
    },
  };
}

/** For texts that are compared already and only leave their marks in a larger table. */
const ignore = (): void => {};

function isSame(signatures: Int32Array, a: number, b: number): boolean {
  for (let i = 0; i < SIGNATURE; i++) if (signatures[a + i] !== signatures[b + i]) return false;
  return true;
}

function wholeHash(signatures: Int32Array, at: number): number {
  let hash = 0;
  for (let i = 0; i < SIGNATURE; i++) {
    hash = Math.imul(hash ^ (signatures[at + i] as number), 0x85ebca6b) ^ (hash >>> 15);
  }
  return hash ^ (hash >>> 16);
}

function mixedIn(hash: number, value: number): number {
  const product = Math.imul(hash ^ value, 0x9e3779b1);
  return Math.imul(product ^ (product >>> 15), 0x85ebca6b);
}

function grown<Column extends Int32Array | Uint32Array>(column: Column, larger: Column): Column {
  larger.set(column);
  return larger;
}
