import { closeSync, fdatasyncSync, fstatSync, mkdirSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { dayOf } from "../day.js";
import type { StoreError } from "../errors.js";
import type { Interaction } from "../interaction.js";
import { diskError } from "./disk-error.js";
import { headerRow, ROW_BYTES, roomForRows, writeRow } from "./index-rows.js";
import { annotationFileName, indexPath, newWriterName, segmentName } from "./journal-files.js";
import { endTornLine, type OutFile, writeWhole } from "./out-file.js";

/** A segment is left for the next one at this size. */
const SEGMENT_BYTES = 128 * 1024 * 1024;
/** Records that are written at once: a segment must not outgrow what a handle can tell of it. */
const WRITE_RECORDS = 64;
/** Rows that wait in memory; a reader computes what is missing from the segment. */
const INDEX_ROWS = 512;
const INDEX_LINGER_MS = 1_000;
/** Files that are kept open at once: an import may jump between many days. */
const OPEN_FILES = 32;

/**
 * The one writer of one process. Every append is one `write` for up to 64 records of a day, so that a killed process
 * leaves whole lines but at most one; files are never shared with another writer.
 */
export interface JournalWriter {
  /** What this writer's segments begin with. */
  readonly name: string;
  /** Writes records synchronously, in order. On an error the first `written` of them are in the journal, and no more. */
  append(interactions: readonly Interaction[]): { readonly written: number; readonly error?: StoreError };
  /** Appends lines, each of which is a whole JSON text, to this writer's annotations of a day. @throws StoreError */
  appendAnnotations(day: string, lines: readonly string[]): void;
  /** Writes the index rows that wait in memory. */
  flushIndex(): void;
  /** Forgets the files of the days before `day`, which are about to be removed. */
  leaveDaysBefore(day: string): void;
  /** Goes on in a new segment of the day: in the one so far, lines were erased. */
  leaveSegment(day: string): void;
  close(): void;
}

interface Segment extends OutFile {
  readonly index: OutFile;
  rows: ReturnType<typeof roomForRows>;
  capacity: number;
  /** Rows of records that are written and whose rows are not. */
  waiting: number;
  /** Once an index row is lost, later ones are of no use: readers trust rows up to the first gap. */
  indexBroken: boolean;
  /** Another process erased lines of the segment and wrote its index anew. */
  indexReplaced: boolean;
}

/** `makeFolder` makes the journal's own folder where it is missing: somebody may remove it while a process runs. */
export function journalWriter(folder: string, makeFolder: () => void): JournalWriter {
  const writer = newWriterName();
  const segments = new Map<string, Segment>();
  const numbers = new Map<string, number>();
  const annotations = new Map<string, OutFile>();
  /** Open files, the least recently used first. */
  const open = new Set<OutFile>();
  let buffer: Buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  let linger: NodeJS.Timeout | undefined;

  function append(interactions: readonly Interaction[]): { written: number; error?: StoreError } {
    let written = 0;
    while (written < interactions.length) {
      const day = dayOf((interactions[written] as Interaction).timestamp);
      const most = Math.min(interactions.length, written + WRITE_RECORDS);
      let end = written + 1;
      while (end < most && dayOf((interactions[end] as Interaction).timestamp) === day) end++;
      try {
        appendDay(day, end - written === interactions.length ? interactions : interactions.slice(written, end));
      } catch (error) {
        return { written, error: diskError(error, join(folder, day)) };
      }
      written = end;
    }
    return { written };
  }

  function appendDay(day: string, interactions: readonly Interaction[]): void {
    const segment = openSegment(day);
    const begin = segment.bytes;
    if (segment.waiting + interactions.length > segment.capacity) makeRoom(segment, interactions.length);
    let row = 0;
    let used = 0;
    for (const interaction of interactions) {
      const json = JSON.stringify(interaction);
      // UTF-8 takes at most three bytes for a UTF-16 unit.
      if (buffer.length - used < json.length * 3 + 1) buffer = grown(buffer, used, json.length * 3 + 1);
      const length = buffer.write(json, used);
      const crc = crc32(buffer.subarray(used, used + length));
      writeRow(segment.rows, segment.waiting + row, interaction, begin + used, length, crc);
      row += 1;
      used += length;
      buffer[used++] = LINE_FEED;
    }
    writeWhole(segment, buffer, used);
    segment.waiting += row;
    if (segment.bytes >= SEGMENT_BYTES) leaveSegment(day);
    linger ??= setTimeout(lingered, INDEX_LINGER_MS).unref();
    if (buffer.length > 16 * BUFFER_BYTES) buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  }

  function lingered(): void {
    linger = undefined;
    flushIndex();
  }

  function flushIndex(): void {
    for (const segment of segments.values()) flushSegmentIndex(segment);
  }

  /** The index is a cache: a disk that refuses it costs readers some time, and nothing else. */
  function flushSegmentIndex(segment: Segment): void {
    const { index, rows, waiting } = segment;
    segment.waiting = 0;
    if (waiting === 0 || segment.indexBroken) return;
    try {
      segment.indexReplaced = !opened(index);
      if (segment.indexReplaced) return;
      if (index.bytes === 0) writeWhole(index, headerRow(), ROW_BYTES);
      writeWhole(index, new Uint8Array(rows.words.buffer, 0, waiting * ROW_BYTES), waiting * ROW_BYTES);
    } catch {
      segment.indexBroken = true;
      closeFile(index);
    }
  }

  function makeRoom(segment: Segment, rows: number): void {
    flushSegmentIndex(segment);
    if (rows <= segment.capacity) return;
    segment.rows = roomForRows(rows);
    segment.capacity = rows;
  }

  /** The day's segment, open; a new one where somebody has removed the old one meanwhile, or replaced its index. */
  function openSegment(day: string): Segment {
    const segment = segmentOf(day);
    if (!segment.indexReplaced && opened(segment)) return segment;
    closeFile(segment);
    closeFile(segment.index);
    segments.delete(day);
    const fresh = segmentOf(day);
    opened(fresh);
    return fresh;
  }

  function makeDay(day: string): void {
    try {
      makeFolder();
      mkdirSync(join(folder, day), { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw diskError(cause, join(folder, day));
    }
  }

  function segmentOf(day: string): Segment {
    const known = segments.get(day);
    if (known) return known;
    const number = (numbers.get(day) ?? 0) + 1;
    const path = join(folder, day, segmentName(writer, number));
    makeDay(day);
    const segment: Segment = {
      path,
      fd: -1,
      bytes: 0,
      index: { path: indexPath(path), fd: -1, bytes: 0 },
      rows: roomForRows(INDEX_ROWS),
      capacity: INDEX_ROWS,
      waiting: 0,
      indexBroken: false,
      indexReplaced: false,
    };
    numbers.set(day, number);
    segments.set(day, segment);
    return segment;
  }

  function leaveSegment(day: string): void {
    const segment = segments.get(day);
    if (!segment) return;
    segments.delete(day);
    flushSegmentIndex(segment);
    closeFile(segment);
    closeFile(segment.index);
  }

  function appendAnnotations(day: string, lines: readonly string[]): void {
    let file = annotations.get(day);
    if (!file || !opened(file)) {
      if (file) closeFile(file);
      file = { path: join(folder, day, annotationFileName(writer)), fd: -1, bytes: 0 };
      makeDay(day);
      opened(file);
      annotations.set(day, file);
    }
    const bytes = Buffer.from(`${lines.join("\n")}\n`);
    writeWhole(file, bytes, bytes.length);
  }

  /**
   * Opens a file of ours, and closes the one unused for longest when there are too many. False when what we wrote is
   * gone: another process has cleaned up, or somebody has removed the folder.
   */
  function opened(file: OutFile): boolean {
    try {
      if (file.torn) endTornLine(file);
      if (file.fd >= 0) {
        // Put last in line.
        open.delete(file);
        open.add(file);
        return !isUnlinked(file);
      }
      if (file.bytes > 0 && statSync(file.path, { throwIfNoEntry: false })?.size !== file.bytes) return false;
      file.fd = openSync(file.path, "a", 0o600);
      file.checkedAt = performance.now();
    } catch (cause) {
      throw diskError(cause, file.path);
    }
    open.add(file);
    const [oldest] = open;
    if (open.size > OPEN_FILES && oldest) closeFile(oldest);
    return true;
  }

  /** Looks no more often than every 50 ms: what is written into a removed file meanwhile is removed with it. */
  function isUnlinked(file: OutFile): boolean {
    const now = performance.now();
    if (now - (file.checkedAt ?? 0) < CHECK_MS) return false;
    file.checkedAt = now;
    return fstatSync(file.fd).nlink === 0;
  }

  function closeFile(file: OutFile): void {
    if (file.fd < 0) return;
    open.delete(file);
    try {
      closeSync(file.fd);
    } catch {
      // Closed is all that was wanted.
    }
    file.fd = -1;
  }

  function leaveDaysBefore(day: string): void {
    for (const left of [...segments.keys()].filter((name) => name < day)) leaveSegment(left);
    for (const [left, file] of [...annotations].filter(([name]) => name < day)) {
      closeFile(file);
      annotations.delete(left);
    }
  }

  function close(): void {
    clearTimeout(linger);
    flushIndex();
    for (const file of [...open]) {
      syncQuietly(file.fd);
      closeFile(file);
    }
  }

  return { name: writer, append, appendAnnotations, flushIndex, leaveDaysBefore, leaveSegment, close };
}

const BUFFER_BYTES = 256 * 1024;
const LINE_FEED = 10;
const CHECK_MS = 50;

function grown(buffer: Buffer, used: number, needed: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, used + needed));
  buffer.copy(larger, 0, 0, used);
  return larger;
}

function syncQuietly(fd: number): void {
  try {
    fdatasyncSync(fd);
  } catch {
    // The data is in the system's hands; a file system without fdatasync has no more to offer.
  }
}
