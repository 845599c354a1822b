import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Interaction } from "../interaction.js";
import { IndexFlag } from "../store.js";
import { type IndexRows, ROW_WORDS, readRows, roomForRows, writeRow } from "./index-rows.js";
import { indexPath, listSegments, readRange } from "./journal-files.js";

/** One segment and the rows of its whole records. */
export interface IndexedSegment {
  readonly path: string;
  /** Bytes up to the last whole line that has a row or was found to be no record. */
  readonly bytes: number;
  readonly rows: IndexRows;
  /** Lines that are no records: torn or damaged. */
  readonly damaged: number;
}

/** All records of one UTC day, in columns. Immutable: a day that grows gets a new index. */
export interface DayIndex {
  readonly day: string;
  readonly segments: readonly IndexedSegment[];
  /** Rows in time order as segment number and row number, two entries each; ties in the order they were written. */
  readonly order: Uint32Array;
  readonly count: number;
  readonly damaged: number;
  /** Finds the place in `order` of the record whose id has this hash; -1 when there is none. */
  find(high: number, low: number): number;
}

/** Reads the index of a day, taking over from `previous` what has not changed. Null when the day is gone. */
export function readDayIndex(folder: string, day: string, previous: DayIndex | null): DayIndex | null {
  const files = listSegments(folder, day);
  if (files.length === 0) return null;
  const known = new Map(previous?.segments.map((segment) => [segment.path, segment]));
  let changed = !previous || files.length !== previous.segments.length;
  const segments = files.map(({ name, bytes }) => {
    const path = join(folder, day, name);
    const old = known.get(path);
    if (old && old.bytes === bytes) return old;
    const segment = readSegment(path, bytes, old);
    if (segment !== old) changed = true;
    return segment;
  });
  return previous && !changed ? previous : dayIndex(day, segments);
}

function dayIndex(day: string, segments: readonly IndexedSegment[]): DayIndex {
  const order = withoutRepeats(segments, timeOrder(segments));
  let ids: IdTable | undefined;
  return {
    day,
    segments,
    order,
    count: order.length / 2,
    damaged: segments.reduce((sum, segment) => sum + segment.damaged, 0),
    find(high, low) {
      if (!ids) {
        ids = idTable(segments, order);
        for (let place = 0; place < order.length / 2; place++) ids.add(place);
      }
      return ids.find(high, low);
    },
  };
}

/** Rows from the index file, and computed ones for the lines that it does not cover yet. */
export function readSegment(path: string, bytes: number, old: IndexedSegment | undefined): IndexedSegment {
  const rows = old && old.damaged === 0 ? old.rows : readRows(readFile(indexPath(path)), bytes);
  const covered = rows.count === 0 ? 0 : endOf(rows, rows.count - 1);
  if (covered === bytes) return { path, bytes, rows, damaged: 0 };
  const tail = readRange(path, covered, bytes);
  const computed: { interaction: Interaction; offset: number; length: number; crc: number }[] = [];
  let damaged = 0;
  let start = 0;
  for (let end = tail.indexOf(10); end >= 0; end = tail.indexOf(10, start)) {
    const line = tail.subarray(start, end);
    const interaction = parseRecord(line.toString());
    if (interaction) computed.push({ interaction, offset: covered + start, length: line.length, crc: crc32(line) });
    else if (line.length > 0) damaged += 1;
    start = end + 1;
  }
  if (start === 0) return old ?? { path, bytes: covered, rows, damaged: 0 };
  const room = roomForRows(rows.count + computed.length);
  room.words.set(rows.words.subarray(0, rows.count * ROW_WORDS));
  for (const [i, line] of computed.entries())
    writeRow(room, rows.count + i, line.interaction, line.offset, line.length, line.crc);
  return { path, bytes: covered + start, rows: { ...room, count: rows.count + computed.length }, damaged };
}

/** The record of a line; null when the line is torn, damaged or something else. */
export function parseRecord(line: string): Interaction | null {
  try {
    const record: unknown = JSON.parse(line);
    return isRecord(record) ? record : null;
  } catch {
    return null;
  }
}

/** The fields that code relies on without asking; the rest was checked when it was written. */
function isRecord(value: unknown): value is Interaction {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Partial<Record<keyof Interaction, unknown>>;
  return (
    typeof record.interactionId === "string" &&
    typeof record.timestamp === "number" &&
    typeof record.query === "string" &&
    typeof record.answer === "string" &&
    typeof record.agentType === "string" &&
    typeof record.qualityScores === "object" &&
    record.qualityScores !== null &&
    Array.isArray(record.toolsUsed)
  );
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}

function endOf({ words, doubles }: IndexRows, row: number): number {
  return (doubles[(row * ROW_WORDS) / 2 + 2] as number) + (words[row * ROW_WORDS + 6] as number) + 1;
}

function timeOrder(segments: readonly IndexedSegment[]): Uint32Array {
  const count = segments.reduce((sum, segment) => sum + segment.rows.count, 0);
  const order = new Uint32Array(count * 2);
  const times = new Float64Array(count);
  let at = 0;
  let sorted = true;
  for (const [number, { rows }] of segments.entries()) {
    for (let row = 0; row < rows.count; row++) {
      order[at * 2] = number;
      order[at * 2 + 1] = row;
      times[at] = rows.doubles[(row * ROW_WORDS) / 2] as number;
      if (at > 0 && (times[at] as number) < (times[at - 1] as number)) sorted = false;
      at += 1;
    }
  }
  if (sorted) return order;
  const places = Uint32Array.from({ length: count }, (_, place) => place);
  places.sort((a, b) => (times[a] as number) - (times[b] as number) || a - b);
  const sortedOrder = new Uint32Array(count * 2);
  for (const [place, from] of places.entries()) {
    sortedOrder[place * 2] = order[from * 2] as number;
    sortedOrder[place * 2 + 1] = order[from * 2 + 1] as number;
  }
  return sortedOrder;
}

/**
 * Leaves out records whose id stands twice, which happens when two processes store the same foreign id at the same
 * time; the earlier one stays. Ids of our own making cannot repeat.
 */
function withoutRepeats(segments: readonly IndexedSegment[], order: Uint32Array): Uint32Array {
  const foreign = (place: number) => (wordAt(segments, order, place, 7) & IndexFlag.foreignId) !== 0;
  if (segments.length < 2) return order;
  const ids = idTable(segments, order);
  const kept = new Uint32Array(order.length);
  let count = 0;
  for (let place = 0; place < order.length / 2; place++) {
    if (foreign(place)) {
      if (ids.find(wordAt(segments, order, place, 12), wordAt(segments, order, place, 13)) >= 0) continue;
      ids.add(place);
    }
    kept[count * 2] = order[place * 2] as number;
    kept[count * 2 + 1] = order[place * 2 + 1] as number;
    count += 1;
  }
  return count === order.length / 2 ? order : kept.slice(0, count * 2);
}

function wordAt(segments: readonly IndexedSegment[], order: Uint32Array, place: number, word: number): number {
  const segment = segments[order[place * 2] as number] as IndexedSegment;
  return segment.rows.words[(order[place * 2 + 1] as number) * ROW_WORDS + word] as number;
}

interface IdTable {
  add(place: number): void;
  find(high: number, low: number): number;
}

/** Places by id hash: open addressing, at most half full. */
function idTable(segments: readonly IndexedSegment[], order: Uint32Array): IdTable {
  const size = 2 ** Math.ceil(Math.log2(order.length + 2));
  const slots = new Uint32Array(size);
  return {
    add(place) {
      let slot = wordAt(segments, order, place, 13) & (size - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (size - 1);
      slots[slot] = place + 1;
    },
    find(high, low) {
      let slot = low & (size - 1);
      for (let taken = slots[slot] as number; taken !== 0; taken = slots[slot] as number) {
        if (wordAt(segments, order, taken - 1, 13) === low && wordAt(segments, order, taken - 1, 12) === high) {
          return taken - 1;
        }
        slot = (slot + 1) & (size - 1);
      }
      return -1;
    },
  };
}
