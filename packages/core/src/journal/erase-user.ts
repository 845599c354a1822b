import { randomBytes } from "node:crypto";
import { closeSync, fdatasyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { hash32 } from "../hash.js";
import { type IndexedSegment, parseRecord, readSegment } from "./day-index.js";
import { diskError } from "./disk-error.js";
import { headerRow, isErasedRow, ROW_WORDS, writeErasedRow } from "./index-rows.js";
import { indexPath, listAnnotationFiles, listSegments, readRange } from "./journal-files.js";

/**
 * Erases the records of a user, named by pseudonym, from one day, with what was said of them, and gives their ids.
 * Lines become spaces where they stand: no file moves or shrinks, so that the processes that append to it at the same
 * time lose nothing. Whoever is killed on the way finds the rest by running again. @throws StoreError
 */
export function eraseUserOfDay(folder: string, day: string, userId: string): string[] {
  const found = listSegments(folder, day).flatMap((file) => {
    const segment = readSegment(join(folder, day, file.name), file);
    const lines = linesOfUser(segment, userId);
    return lines.length > 0 ? [{ segment, lines }] : [];
  });
  const ids = new Set(found.flatMap(({ lines }) => lines.flatMap(({ interactionId }) => interactionId ?? [])));
  // Annotations go first: without the records nobody could tell any more whose they are.
  if (ids.size > 0) {
    for (const { name, bytes } of listAnnotationFiles(folder, day)) {
      const path = join(folder, day, name);
      overwrite(path, linesAbout(ids, path, bytes));
    }
  }
  for (const { segment, lines } of found) {
    overwrite(segment.path, lines);
    replaceIndex(segment, lines);
  }
  return [...ids];
}

interface Line {
  readonly offset: number;
  /** Without the line feed. */
  readonly length: number;
}

interface RecordLine extends Line {
  readonly row: number;
  /** Undefined for a line that an erasure was killed upon. */
  readonly interactionId: string | undefined;
}

function linesOfUser({ path, rows }: IndexedSegment, userId: string): RecordLine[] {
  const user = hash32(userId);
  const lines: RecordLine[] = [];
  for (let row = 0; row < rows.count; row++) {
    const at = row * ROW_WORDS;
    if (rows.words[at + 16] !== user || isErasedRow(rows.words, at)) continue;
    const offset = rows.doubles[at / 2 + 2] as number;
    const length = rows.words[at + 6] as number;
    const record = parseRecord(readRange(path, offset, offset + length).toString());
    // Another user may have the same hash of 32 bits.
    if (record && record.userId !== userId) continue;
    lines.push({ row, offset, length, interactionId: record?.interactionId });
  }
  return lines;
}

function linesAbout(ids: ReadonlySet<string>, path: string, bytes: number): Line[] {
  const lines: Line[] = [];
  let offset = 0;
  for (let size = PIECE; offset < bytes; ) {
    const piece = readRange(path, offset, Math.min(bytes, offset + size));
    let start = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, start)) {
      const interactionId = subjectOf(piece.toString("utf8", start, end));
      if (interactionId !== undefined && ids.has(interactionId)) {
        lines.push({ offset: offset + start, length: end - start });
      }
      start = end + 1;
    }
    if (start === 0 && offset + size >= bytes) break; // the last line is still being written
    size = start === 0 ? size * 4 : PIECE;
    offset += start;
  }
  return lines;
}

const PIECE = 8 * 1024 * 1024;
const LINE_FEED = 10;

function subjectOf(line: string): string | undefined {
  try {
    return (JSON.parse(line) as { readonly interactionId?: string } | null)?.interactionId;
  } catch {
    return undefined; // a torn, damaged or erased line
  }
}

/** Makes lines into spaces, and does not return before the disk says so. */
function overwrite(path: string, lines: readonly Line[]): void {
  if (lines.length === 0) return;
  let fd: number | undefined;
  try {
    fd = openSync(path, "r+");
    for (const { offset, length } of lines) {
      const spaces = Buffer.alloc(length, " ");
      for (let done = 0; done < length; ) done += writeSync(fd, spaces, done, length - done, offset + done);
    }
    fdatasyncSync(fd);
  } catch (cause) {
    throw diskError(cause, path);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * Writes the index of a segment anew, without what it knew of the erased records. A live writer of the segment goes on
 * with the file that had the name before, and readers compute what is missing from the lines.
 */
function replaceIndex({ path, rows }: IndexedSegment, erased: readonly RecordLine[]): void {
  const words = rows.words.slice(0, rows.count * ROW_WORDS);
  const doubles = new Float64Array(words.buffer);
  for (const { row, offset, length } of erased) {
    writeErasedRow({ words, doubles }, row, { offset, length, crc: crc32(Buffer.alloc(length, " ")) });
  }
  const target = indexPath(path);
  const draft = `${target}.${randomBytes(6).toString("hex")}`;
  const bytes = Buffer.concat([headerRow(randomBytes(4).readUInt32LE() || 1), new Uint8Array(words.buffer)]);
  try {
    const fd = openSync(draft, "wx", 0o600);
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done);
      fdatasyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, target);
  } catch {
    // A disk that takes no new file: without an index readers compute all of it from the lines.
    rmSync(draft, { force: true });
    rmSync(target, { force: true });
  }
}
