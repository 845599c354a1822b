import { statSync } from "node:fs";
import { join } from "node:path";
import { dayNumber, dayOf, dayStart } from "../day.js";
import { hash64 } from "../hash.js";
import { newRows } from "./day-index.js";
import { isErasedRow, ROW_WORDS } from "./index-rows.js";
import { listDays, listSegments } from "./journal-files.js";

/**
 * On which day each id of a journal lies: 12 bytes an id, at most half full. Ids are compared by 64 bits of hash; with
 * ten million ids the odds of one false match are one in 370,000.
 */
export interface IdDays {
  /**
   * Takes in what was written since the last call, but for segments of the writer `except`, whose ids are added. A look
   * at the folder that is younger than `maxAgeMs` serves again.
   */
  refresh(options?: { readonly except?: string | undefined; readonly maxAgeMs?: number | undefined }): void;
  add(interactionId: string, timestamp: number): void;
  /** The day, in days since 1970, or -1. */
  find(interactionId: string): number;
}

export function idDays(folder: string): IdDays {
  const consumed = new Map<string, { readonly bytes: number; readonly rows: number }>();
  const days = new Map<string, number>();
  const words = new Uint32Array(2);
  let table = idTable(1024);
  let lookedAt = -Infinity;

  function add(high: number, low: number, day: number): void {
    if (table.count * 2 >= table.size) {
      const larger = idTable(table.size * 2);
      table.each((...entry) => larger.put(...entry));
      table = larger;
    }
    table.put(high, low, day);
  }

  /** A day that was removed took its ids along: then all is read again. */
  function forgetWhenDaysWent(found: ReadonlyMap<string, number>): boolean {
    const went = [...days].some(([day, inode]) => found.get(day) !== inode);
    days.clear();
    for (const [day, inode] of found) days.set(day, inode);
    if (!went) return false;
    consumed.clear();
    table = idTable(1024);
    return true;
  }

  return {
    refresh({ except, maxAgeMs = 0 } = {}) {
      const now = performance.now();
      if (now - lookedAt < maxAgeMs) return;
      lookedAt = now;
      const inodes = listDays(folder).map((day) => [day, inodeOf(join(folder, day))] as const);
      const readAll = forgetWhenDaysWent(new Map(inodes));
      for (const [day] of inodes) {
        const number = dayNumber(dayStart(day));
        for (const { name, bytes } of listSegments(folder, day)) {
          if (except !== undefined && !readAll && name.startsWith(except)) continue;
          const path = join(folder, day, name);
          const before = consumed.get(path) ?? { bytes: 0, rows: 0 };
          if (before.bytes === bytes) continue;
          const more = newRows(path, { row: before.rows, offset: before.bytes }, bytes, true);
          for (let row = 0; row < more.rows.count; row++) {
            const at = row * ROW_WORDS;
            if (!isErasedRow(more.rows.words, at))
              add(more.rows.words[at + 12] as number, more.rows.words[at + 13] as number, number);
          }
          consumed.set(path, { bytes: more.bytes, rows: before.rows + more.rows.count });
        }
      }
    },
    add(interactionId, timestamp) {
      const day = dayOf(timestamp);
      if (!days.has(day)) days.set(day, inodeOf(join(folder, day)));
      hash64(interactionId, words, 0);
      add(words[0] as number, words[1] as number, dayNumber(timestamp));
    },
    find(interactionId) {
      hash64(interactionId, words, 0);
      return table.find(words[0] as number, words[1] as number);
    },
  };
}

function inodeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? 0;
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
