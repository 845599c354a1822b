import type { Prepared } from "../drain.js";
import { type Item, itemOfLine, PARCEL_ENTRIES } from "./parcel.js";
import { isGone, readLines, type Spool, type SpoolPlace, settleDamaged } from "./spool.js";

/** Entries that are only on disk, because memory is for what comes first. They are read back in their order. */
export interface Spill {
  /** Not more than the true one of the next entry: some may have been dropped in between. */
  readonly sequence: number;
  /** What was written and not read back. */
  readonly records: number;
  readonly annotations: number;
  /** Reader and writer are level. What was not read back is damaged, or in the hands of whoever took the folder. */
  readonly isOver: boolean;
  /** An entry was written behind the others. */
  count(entry: Prepared): void;
  /** Reads the next entries; none when it is over. @throws StoreError */
  next(): Item[];
}

export function spillFrom(spool: Spool, start: SpoolPlace, firstSequence: number): Spill {
  let place = start;
  let sequence = firstSequence;
  let records = 0;
  let annotations = 0;
  let isOver = false;

  function items(lines: readonly Buffer[]): Item[] {
    const { segment } = place;
    const found: Item[] = [];
    for (const line of lines) {
      const item = itemOfLine(line, segment, sequence++);
      if (!item) settleDamaged(segment);
      else if (found.push(item) && item.record) records -= 1;
      else annotations -= 1;
    }
    return found;
  }

  return {
    get sequence() {
      return sequence;
    },
    get records() {
      return records;
    },
    get annotations() {
      return annotations;
    },
    get isOver() {
      return isOver;
    },
    count({ record }) {
      if (record) records += 1;
      else annotations += 1;
    },
    next() {
      while (!isOver) {
        const { segment } = place;
        const { lines, next } = readLines(place, PARCEL_ENTRIES);
        const found = items(lines);
        place = { segment, offset: next };
        if (lines.length === 0 && next < segment.bytes && isGone(segment)) isOver = true;
        else if (lines.length === 0 || next >= segment.bytes) {
          const following = spool.after(segment);
          if (following) place = { segment: following, offset: 0 };
          else isOver = true;
        }
        if (found.length > 0) return found;
      }
      return [];
    },
  };
}
