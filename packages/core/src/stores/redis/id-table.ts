import { hex } from "../../hex-words.js";
import type { Bucket } from "./buckets.js";

/**
 * Numbers for ids, so that a builder can choose among millions in typed arrays. An id of UUID form takes 16 bytes and
 * its place in a hash table; each id has one number, however often it is scanned.
 */
export interface IdTable {
  refOf(bucket: Bucket, interactionId: string): number;
  /** Where a ref leads, or null when its bucket was forgotten. */
  placeOf(ref: number): { readonly bucket: Bucket; readonly interactionId: string } | null;
  forget(bucket: Bucket): void;
}

/** Refs of one bucket; times this, the number of the bucket. */
const PER_BUCKET = 2 ** 27;

export function idTable(): IdTable {
  const numbers = new Map<string, number>();
  const buckets: ({ readonly bucket: Bucket; readonly ids: BucketIds } | undefined)[] = [];

  return {
    refOf(bucket, interactionId) {
      let number = numbers.get(bucket.records);
      if (number === undefined) {
        number = buckets.push({ bucket, ids: bucketIds() }) - 1;
        numbers.set(bucket.records, number);
      }
      return number * PER_BUCKET + (buckets[number]?.ids.positionOf(interactionId) ?? 0);
    },
    placeOf(ref) {
      const known = buckets[Math.floor(ref / PER_BUCKET)];
      const interactionId = known?.ids.idAt(ref % PER_BUCKET);
      return known && interactionId !== undefined ? { bucket: known.bucket, interactionId } : null;
    },
    forget(bucket) {
      const number = numbers.get(bucket.records);
      if (number === undefined) return;
      numbers.delete(bucket.records);
      buckets[number] = undefined; // the number is never given again, so an old ref leads nowhere
    },
  };
}

interface BucketIds {
  positionOf(interactionId: string): number;
  idAt(position: number): string | undefined;
}

function bucketIds(): BucketIds {
  let words = new Uint32Array(4 * 256);
  /** Position + 1 by hash, 0 is an empty slot; never more than half full. */
  let slots = new Uint32Array(512);
  let count = 0;
  const others = new Map<string, number>();
  const otherNames = new Map<number, string>();
  const uuid = new Uint32Array(4);

  function slotOf(a: number, b: number, c: number, d: number): number {
    // The last words of a UUID are random; those of somebody's own scheme may not be.
    let slot = (Math.imul(d, 0x9e3779b1) ^ Math.imul(c, 0x85ebca6b) ^ Math.imul(a ^ b, 0xc2b2ae35)) >>> 0;
    for (slot &= slots.length - 1; slots[slot] !== 0; slot = (slot + 1) & (slots.length - 1)) {
      const at = ((slots[slot] as number) - 1) * 4;
      if (words[at + 3] === d && words[at + 2] === c && words[at + 1] === b && words[at] === a) break;
    }
    return slot;
  }

  function grow(): void {
    const larger = new Uint32Array(words.length * 2);
    larger.set(words);
    words = larger;
    const old = slots;
    slots = new Uint32Array(slots.length * 2);
    for (const entry of old) {
      if (entry === 0) continue;
      const at = (entry - 1) * 4;
      const [a, b, c, d] = words.subarray(at, at + 4) as unknown as [number, number, number, number];
      slots[slotOf(a, b, c, d)] = entry;
    }
  }

  return {
    positionOf(interactionId) {
      if (!readUuid(interactionId, uuid)) {
        let position = others.get(interactionId);
        if (position === undefined) {
          position = count++;
          if (count * 4 > words.length) grow();
          others.set(interactionId, position);
          otherNames.set(position, interactionId);
        }
        return position;
      }
      const [a, b, c, d] = uuid as unknown as [number, number, number, number];
      const slot = slotOf(a, b, c, d);
      if (slots[slot] !== 0) return (slots[slot] as number) - 1;
      const position = count++;
      if (count * 4 > words.length) grow();
      words.set(uuid, position * 4);
      slots[slotOf(a, b, c, d)] = position + 1;
      return position;
    },
    idAt(position) {
      if (position >= count) return undefined;
      return otherNames.get(position) ?? uuidText(words, position * 4);
    },
  };
}

/** Reads an id of the form that our own have; false for any other. */
function readUuid(id: string, words: Uint32Array): boolean {
  if (id.length !== 36) return false;
  let word = 0;
  let digits = 0;
  for (let i = 0; i < 36; i++) {
    const code = id.charCodeAt(i);
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (code !== 0x2d) return false;
      continue;
    }
    const digit = code >= 0x30 && code <= 0x39 ? code - 0x30 : code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
    if (digit < 0) return false;
    word = (word << 4) | digit;
    digits += 1;
    if (digits % 8 === 0) words[digits / 8 - 1] = word >>> 0;
  }
  return true;
}

function uuidText(words: Uint32Array, at: number): string {
  const middle = hex(words[at + 1] as number) + hex(words[at + 2] as number);
  const [start, end] = [hex(words[at] as number), hex(words[at + 3] as number)];
  return `${start}-${middle.slice(0, 4)}-${middle.slice(4, 8)}-${middle.slice(8, 12)}-${middle.slice(12)}${end}`;
}
