import { join } from "node:path";
import { dayNumber, dayStart } from "../day.js";
import { hash64 } from "../hash.js";
import { readSegment } from "./day-index.js";
import { ROW_WORDS } from "./index-rows.js";
import { listDays, listSegments } from "./journal-files.js";

/**
 * On which day each id of a journal lies: 12 bytes an id, at most half full. Ids are compared by 64 bits of hash; with
 * ten million ids the odds of one false match are one in 370,000.
 */
export interface IdDays {
  /** Takes in what was written since the last call, but for segments of the writer `except`, whose ids are added. */
  refresh(except?: string): void;
  add(interactionId: string, timestamp: number): void;
  /** The day, in days since 1970, or -1. */
  find(interactionId: string): number;
}

export function idDays(folder: string): IdDays {
  const consumed = new Map<string, { readonly bytes: number; readonly rows: number }>();
  let table = idTable(1024);
  const words = new Uint32Array(2);

  function add(high: number, low: number, day: number): void {
    if (table.count * 2 >= table.size) {
      const larger = idTable(table.size * 2);
      table.each((...entry) => larger.put(...entry));
      table = larger;
    }
    table.put(high, low, day);
  }

  return {
    refresh(except) {
      for (const day of listDays(folder)) {
        for (const { name, bytes } of listSegments(folder, day)) {
          if (except !== undefined && name.startsWith(except)) continue;
          const path = join(folder, day, name);
          const before = consumed.get(path);
          if (before && before.bytes === bytes) continue;
          const { rows } = readSegment(path, bytes, undefined);
          for (let row = before?.rows ?? 0; row < rows.count; row++) {
            const at = row * ROW_WORDS;
            add(rows.words[at + 12] as number, rows.words[at + 13] as number, dayNumber(dayStart(day)));
          }
          consumed.set(path, { bytes, rows: rows.count });
        }
      }
    },
    add(interactionId, timestamp) {
      hash64(interactionId, words, 0);
      add(words[0] as number, words[1] as number, dayNumber(timestamp));
    },
    find(interactionId) {
      hash64(interactionId, words, 0);
      return table.find(words[0] as number, words[1] as number);
    },
  };
}

function idTable(size: number) {
  const highs = new Uint32Array(size);
  const lows = new Uint32Array(size);
  /** Day number + 1, 0 is an empty slot. */
  const days = new Uint32Array(size);
  let count = 0;
  const slotOf = (high: number, low: number): number => {
    let slot = low & (size - 1);
    while (days[slot] !== 0 && (lows[slot] !== low || highs[slot] !== high)) slot = (slot + 1) & (size - 1);
    return slot;
  };
  return {
    size,
    get count() {
      return count;
    },
    put(high: number, low: number, day: number) {
      const slot = slotOf(high, low);
      if (days[slot] !== 0) return;
      highs[slot] = high;
      lows[slot] = low;
      days[slot] = day + 1;
      count += 1;
    },
    find: (high: number, low: number): number => (days[slotOf(high, low)] as number) - 1,
    each(visit: (high: number, low: number, day: number) => void) {
      for (let slot = 0; slot < size; slot++) {
        if (days[slot] !== 0) visit(highs[slot] as number, lows[slot] as number, (days[slot] as number) - 1);
      }
    },
  };
}
