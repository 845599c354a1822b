import { hash } from "node:crypto";

/** 64 bits as two unsigned words. */
export type Key = readonly [high: number, low: number];

/** The first 64 bits of a text's SHA-256. */
export function textKey(text: string): Key {
  const digest = hash("sha256", text, "hex");
  return [Number.parseInt(digest.slice(0, 8), 16), Number.parseInt(digest.slice(8, 16), 16)];
}

/** A set of 64-bit keys, each given as two unsigned words, in 8 to 16 bytes a key instead of a JavaScript Set's 50 and more. */
export interface KeySet {
  /** False when the key was there already. */
  add(high: number, low: number): boolean;
  has(high: number, low: number): boolean;
}

export function keySet(): KeySet {
  let keys = new Uint32Array(2 * 1024);
  let size = 0;

  // A slot with both words 0 is free, so the all-zero key is stored as (0, 1): one more collision in 2^64.
  const place = (into: Uint32Array, high: number, low: number): boolean => {
    const mask = into.length / 2 - 1;
    for (let slot = slotOf(high, low) & mask; ; slot = (slot + 1) & mask) {
      const [storedHigh, storedLow] = [into[2 * slot], into[2 * slot + 1]];
      if (storedHigh === high && storedLow === low) return false;
      if (storedHigh !== 0 || storedLow !== 0) continue;
      into[2 * slot] = high;
      into[2 * slot + 1] = low;
      return true;
    }
  };

  return {
    has(high, low) {
      const mask = keys.length / 2 - 1;
      const [wantedHigh, wantedLow] = [high >>> 0, high === 0 && low === 0 ? 1 : low >>> 0];
      for (let slot = slotOf(wantedHigh, wantedLow) & mask; ; slot = (slot + 1) & mask) {
        const [storedHigh, storedLow] = [keys[2 * slot], keys[2 * slot + 1]];
        if (storedHigh === wantedHigh && storedLow === wantedLow) return true;
        if (storedHigh === 0 && storedLow === 0) return false;
      }
    },
    add(high, low) {
      if (size * 3 >= keys.length) {
        const larger = new Uint32Array(keys.length * 2);
        for (let i = 0; i < keys.length; i += 2) {
          const [oldHigh, oldLow] = [keys[i] as number, keys[i + 1] as number];
          if (oldHigh !== 0 || oldLow !== 0) place(larger, oldHigh, oldLow);
        }
        keys = larger;
      }
      const isNew = place(keys, high >>> 0, high === 0 && low === 0 ? 1 : low >>> 0);
      if (isNew) size += 1;
      return isNew;
    },
  };
}

const slotOf = (high: number, low: number): number => Math.imul(high ^ low, 0x9e3779b1);
