import { statSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Interaction } from "../interaction.js";
import { IndexFlag } from "../store.js";
import {
  emptyRows,
  erasureOf,
  type IndexRows,
  isErasedRow,
  ROW_BYTES,
  ROW_WORDS,
  readRows,
  roomForRows,
  trustedRows,
  writeErasedRow,
  writeRow,
} from "./index-rows.js";
import { indexPath, type JournalFile, listSegments, readRange } from "./journal-files.js";

/** One segment and the rows of its whole records. */
export interface IndexedSegment {
  readonly path: string;
  /** Bytes up to the last whole line that has a row or was found to be no record. */
  readonly bytes: number;
  readonly rows: IndexRows;
  /** Lines that are no records: torn or damaged. */
  readonly damaged: number;
  /** Stays the same as long as the segment only grows. */
  readonly generation: symbol;
  /** Of the file when it was looked at: lines that are erased change it, and not the size. */
  readonly modifiedAt: number;
  /** The erasure that the index file named. */
  readonly erasure: number;
}

/** All records of one UTC day, in columns. Immutable: a day that grows gets a new index, which shares what stays. */
export interface DayIndex {
  readonly day: string;
  readonly segments: readonly IndexedSegment[];
  /** Rows in time order as segment number and row number, two entries each; ties in the order they were written. */
  readonly order: Uint32Array;
  readonly count: number;
  readonly damaged: number;
  /** Finds the place in `order` of the record whose id has this hash; -1 when there is none. */
  find(high: number, low: number): number;
  /** The index of the same day after it grew; null where rows have to be put in between. */
  extended(segments: readonly IndexedSegment[]): DayIndex | null;
}

/** Reads the index of a day, taking over from `previous` what has not changed. Null when the day is gone. */
export function readDayIndex(folder: string, day: string, previous: DayIndex | null): DayIndex | null {
  const files = new Map(listSegments(folder, day).map((file) => [join(folder, day, file.name), file]));
  if (files.size === 0) return null;
  const known = previous?.segments ?? [];
  const kept = known.filter(({ path }) => files.has(path));
  const segments = kept.map((old) => {
    const file = files.get(old.path) as JournalFile;
    files.delete(old.path);
    const isUnchanged = file.bytes === old.bytes && file.modifiedAt === old.modifiedAt;
    return isUnchanged ? old : readSegment(old.path, file, old);
  });
  // Those that are new come last, so that the numbers of the known ones stay.
  for (const [path, file] of files) segments.push(readSegment(path, file));
  if (previous && segments.length === known.length && segments.every((segment, i) => segment === known[i])) {
    return previous;
  }
  return (kept.length === known.length ? previous?.extended(segments) : null) ?? dayIndex(day, segments);
}

function dayIndex(day: string, segments: readonly IndexedSegment[]): DayIndex {
  return indexOf(day, segments, withoutRepeats(segments, timeOrder(segments)));
}

/** Places in order of time and the table of their ids. Both grow in place: an older index looks only at its own count. */
interface Places {
  readonly order: Uint32Array;
  readonly count: number;
  readonly ids: { table: IdTable | null };
}

function indexOf(day: string, segments: readonly IndexedSegment[], { order, count, ids }: Places): DayIndex {
  const table = (): IdTable => {
    ids.table ??= idTable(count);
    ids.table.grow(segments, order, count);
    return ids.table;
  };
  return {
    day,
    segments,
    order,
    count,
    damaged: segments.reduce((sum, segment) => sum + segment.damaged, 0),
    find(high, low) {
      const place = table().find(high, low);
      return place < count ? place : -1;
    },
    extended(larger) {
      const added = addedRows(segments, larger);
      const lastTime = count === 0 ? -Infinity : timeAt(segments, order, count - 1);
      if (!added || added.some(({ time }) => time < lastTime)) return null;
      added.sort((a, b) => a.time - b.time);
      const room = order.length >= (count + added.length) * 2 ? order : grown(order, (count + added.length) * 2);
      const repeats = larger.length > 1 && added.some(({ foreign }) => foreign) ? table() : null;
      let length = count;
      for (const { segment, row, foreign, high, low } of added) {
        if (foreign && repeats && repeats.find(high, low) >= 0) continue;
        room[length * 2] = segment;
        room[length * 2 + 1] = row;
        length += 1;
        repeats?.grow(larger, room, length);
      }
      return indexOf(day, larger, { order: room, count: length, ids });
    },
  };
}

/** The rows that came since, in the order they were written; null when a segment was written anew. */
function addedRows(before: readonly IndexedSegment[], after: readonly IndexedSegment[]) {
  const added: { segment: number; row: number; time: number; foreign: boolean; high: number; low: number }[] = [];
  for (const [segment, { rows, generation }] of after.entries()) {
    const old = before[segment];
    if (old && old.generation !== generation) return null;
    for (let row = old?.rows.count ?? 0; row < rows.count; row++) {
      const at = row * ROW_WORDS;
      if (isErasedRow(rows.words, at)) continue;
      added.push({
        segment,
        row,
        time: rows.doubles[at / 2] as number,
        foreign: ((rows.words[at + 7] as number) & IndexFlag.foreignId) !== 0,
        high: rows.words[at + 12] as number,
        low: rows.words[at + 13] as number,
      });
    }
  }
  return added;
}

/** Rows from the index file, and computed ones for the lines that it does not cover. */
export function readSegment(
  path: string,
  { bytes, modifiedAt }: Pick<JournalFile, "bytes" | "modifiedAt">,
  old?: IndexedSegment,
): IndexedSegment {
  // What is known is taken over as long as its last line still stands where it stood, and nothing was erased.
  const isKnown = old && old.erasure === erasureOf(readRange(indexPath(path), 0, ROW_BYTES));
  if (isKnown && isIntact(path, old.rows, bytes)) {
    const more = newRows(path, { row: old.rows.count, offset: old.bytes }, bytes, old.damaged === 0);
    const rows = joined(old.rows, more.rows);
    return { ...old, bytes: more.bytes, rows, damaged: old.damaged + more.damaged, modifiedAt };
  }
  const indexFile = readFrom(indexPath(path), 0);
  const file = readRows(indexFile, bytes);
  const rows = isIntact(path, file, bytes) ? file : emptyRows();
  const more = newRows(path, { row: rows.count, offset: endOf(rows) }, bytes, false);
  return {
    path,
    bytes: more.bytes,
    rows: joined(rows, more.rows),
    damaged: more.damaged,
    generation: Symbol(path),
    modifiedAt,
    erasure: erasureOf(indexFile),
  };
}

/**
 * The rows of a segment from a row and its offset on: from the index file as far as it goes, when it is asked, and
 * computed from the lines behind that. `bytes` is where the last whole line ends.
 */
export function newRows(
  path: string,
  from: { readonly row: number; readonly offset: number },
  bytes: number,
  askFile: boolean,
): { readonly rows: IndexRows; readonly bytes: number; readonly damaged: number } {
  const rows = askFile
    ? trustedRows(readFrom(indexPath(path), (from.row + 1) * ROW_BYTES), from.offset, bytes)
    : emptyRows();
  const covered = rows.count === 0 ? from.offset : endOf(rows);
  if (covered === bytes) return { rows, bytes, damaged: 0 };
  const tail = readRange(path, covered, bytes);
  const lines: { interaction: Interaction | null; offset: number; length: number; crc: number }[] = [];
  let damaged = 0;
  let start = 0;
  for (let end = tail.indexOf(10); end >= 0; end = tail.indexOf(10, start)) {
    const line = tail.subarray(start, end);
    const interaction = parseRecord(line.toString());
    if (interaction || isErased(line))
      lines.push({ interaction, offset: covered + start, length: line.length, crc: crc32(line) });
    else if (line.length > 0) damaged += 1;
    start = end + 1;
  }
  const computed = { ...roomForRows(lines.length), count: lines.length };
  for (const [row, { interaction, offset, length, crc }] of lines.entries()) {
    if (interaction) writeRow(computed, row, interaction, offset, length, crc);
    else writeErasedRow(computed, row, { offset, length, crc });
  }
  return { rows: joined(rows, computed), bytes: covered + start, damaged };
}

/** A line of nothing but spaces: a record that was erased. */
function isErased(line: Buffer): boolean {
  return line.length > 0 && line[0] === SPACE && line.every((byte) => byte === SPACE);
}

const SPACE = 0x20;

/** Whether the last row's line is in its place and is what it was: a file that somebody edited is read anew. */
function isIntact(path: string, rows: IndexRows, bytes: number): boolean {
  if (rows.count === 0) return true;
  const at = (rows.count - 1) * ROW_WORDS;
  const offset = rows.doubles[at / 2 + 2] as number;
  const length = rows.words[at + 6] as number;
  if (offset + length + 1 > bytes) return false;
  const line = readRange(path, offset, offset + length + 1);
  return line[length] === 10 && crc32(line.subarray(0, length)) === rows.words[at + 9];
}

/** The rows of both. Where there is room behind the first ones it is used: who holds them looks only at their count. */
function joined(rows: IndexRows, more: IndexRows): IndexRows {
  if (rows.count === 0 || more.count === 0) return rows.count === 0 ? more : rows;
  const count = rows.count + more.count;
  const room = rows.words.length >= count * ROW_WORDS ? rows : roomForRows(count + Math.floor(rows.count / 2));
  if (room !== rows) room.words.set(rows.words.subarray(0, rows.count * ROW_WORDS));
  room.words.set(more.words.subarray(0, more.count * ROW_WORDS), rows.count * ROW_WORDS);
  return { words: room.words, doubles: room.doubles, count };
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

function readFrom(path: string, from: number): Buffer {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return readRange(path, from, Math.max(from, size));
}

/** Where the line of the last row ends. */
function endOf({ words, doubles, count }: IndexRows): number {
  if (count === 0) return 0;
  const at = (count - 1) * ROW_WORDS;
  return (doubles[at / 2 + 2] as number) + (words[at + 6] as number) + 1;
}

function timeAt(segments: readonly IndexedSegment[], order: Uint32Array, place: number): number {
  const segment = segments[order[place * 2] as number] as IndexedSegment;
  return segment.rows.doubles[((order[place * 2 + 1] as number) * ROW_WORDS) / 2] as number;
}

function timeOrder(segments: readonly IndexedSegment[]): Uint32Array {
  const count = segments.reduce((sum, segment) => sum + segment.rows.count, 0);
  const order = new Uint32Array(count * 2);
  const times = new Float64Array(count);
  let at = 0;
  let sorted = true;
  for (const [number, { rows }] of segments.entries()) {
    for (let row = 0; row < rows.count; row++) {
      if (isErasedRow(rows.words, row * ROW_WORDS)) continue;
      order[at * 2] = number;
      order[at * 2 + 1] = row;
      times[at] = rows.doubles[(row * ROW_WORDS) / 2] as number;
      if (at > 0 && (times[at] as number) < (times[at - 1] as number)) sorted = false;
      at += 1;
    }
  }
  if (sorted) return order.subarray(0, at * 2);
  const places = Uint32Array.from({ length: at }, (_, place) => place);
  places.sort((a, b) => (times[a] as number) - (times[b] as number) || a - b);
  const sortedOrder = new Uint32Array(at * 2);
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
function withoutRepeats(segments: readonly IndexedSegment[], order: Uint32Array): Places {
  const count = order.length / 2;
  if (segments.length < 2) return { order, count, ids: { table: null } };
  const kept = new Uint32Array(order.length);
  const table = idTable(count);
  let length = 0;
  for (let place = 0; place < count; place++) {
    kept[length * 2] = order[place * 2] as number;
    kept[length * 2 + 1] = order[place * 2 + 1] as number;
    const isForeign = (wordAt(segments, kept, length, 7) & IndexFlag.foreignId) !== 0;
    if (isForeign && table.find(wordAt(segments, kept, length, 12), wordAt(segments, kept, length, 13)) >= 0) continue;
    length += 1;
    table.grow(segments, kept, length);
  }
  return { order: kept, count: length, ids: { table } };
}

function wordAt(segments: readonly IndexedSegment[], order: Uint32Array, place: number, word: number): number {
  const segment = segments[order[place * 2] as number] as IndexedSegment;
  return segment.rows.words[(order[place * 2 + 1] as number) * ROW_WORDS + word] as number;
}

function grown(order: Uint32Array, needed: number): Uint32Array {
  const larger = new Uint32Array(Math.max(needed, order.length * 2));
  larger.set(order);
  return larger;
}

interface IdTable {
  /** Takes in the places up to `count`. Places that it knows never change. */
  grow(segments: readonly IndexedSegment[], order: Uint32Array, count: number): void;
  find(high: number, low: number): number;
}

/** Places by id hash: open addressing, at most half full. The hashes stay in the rows. */
function idTable(expected: number): IdTable {
  let size = 2 ** Math.ceil(Math.log2(expected * 2 + 2));
  let slots = new Uint32Array(size);
  let count = 0;
  let segments: readonly IndexedSegment[] = [];
  let order = new Uint32Array(0);

  function put(place: number): void {
    let slot = wordAt(segments, order, place, 13) & (size - 1);
    while (slots[slot] !== 0) slot = (slot + 1) & (size - 1);
    slots[slot] = place + 1;
  }

  return {
    grow(nowSegments, nowOrder, nowCount) {
      if (nowCount <= count) return;
      segments = nowSegments;
      order = nowOrder as typeof order;
      if (nowCount * 2 > size) {
        while (nowCount * 2 > size) size *= 2;
        slots = new Uint32Array(size);
        for (let place = 0; place < count; place++) put(place);
      }
      for (; count < nowCount; count++) put(count);
    },
    find(high, low) {
      let slot = low & (size - 1);
      for (let taken = slots[slot] as number; taken !== 0; taken = slots[slot] as number) {
        const place = taken - 1;
        if (wordAt(segments, order, place, 13) === low && wordAt(segments, order, place, 12) === high) return place;
        slot = (slot + 1) & (size - 1);
      }
      return -1;
    },
  };
}
