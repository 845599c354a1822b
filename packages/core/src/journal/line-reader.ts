import { closeSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import { diskError } from "./disk-error.js";

/** Read ahead where one record after the other follows closely. */
const AHEAD_BYTES = 128 * 1024;
const CLOSE_BYTES = 12 * 1024;
const CLOSE_RECORDS = 2;
const OPEN_FILES = 128;
/** Files that keep a block of what was read ahead. */
const BLOCKS = 8;
const LINE_FEED = 10;

/** Reads lines of segments by offset: in blocks while the offsets run on, singly where they jump. */
export interface LineReader {
  /**
   * The line that begins at `offset`, without its line feed; null when there is no whole line. `expected` is what the
   * line takes with its line feed, or more; `exactly` says that it is no more.
   */
  lineAt(path: string, offset: number, expected: number, exactly?: boolean): string | null;
  /** Closes the files of a folder that is about to go, so that their space is freed. */
  leave(folder: string): void;
  close(): void;
}

interface OpenFile {
  readonly fd: number;
  block: Buffer;
  blockStart: number;
  blockLength: number;
  /** Where the line read last ended, and how many before it followed closely on another. */
  lastEnd: number;
  streak: number;
}

export function lineReader(): LineReader {
  const files = new Map<string, OpenFile>();
  const withBlock = new Set<OpenFile>();
  let scratch = Buffer.allocUnsafe(16 * 1024);

  function lineAt(path: string, offset: number, expected: number, exactly = false): string | null {
    const file = openFile(path);
    if (!file) return null;
    const gap = offset - file.lastEnd;
    file.streak = gap >= 0 && gap < CLOSE_BYTES ? file.streak + 1 : 0;
    const inBlock = offset >= file.blockStart && offset + expected <= file.blockStart + file.blockLength;
    if (!inBlock && file.streak > CLOSE_RECORDS) readAhead(file, offset);
    const from = offset - file.blockStart;
    if (from >= 0 && from < file.blockLength) {
      const known = from + expected - 1;
      const isKnown = exactly && known < file.blockLength && file.block[known] === LINE_FEED;
      const end = isKnown ? known : file.block.indexOf(LINE_FEED, from);
      if (end >= 0 && end < file.blockLength) {
        file.lastEnd = file.blockStart + end + 1;
        return file.block.toString("utf8", from, end);
      }
    }
    for (let bytes = expected; ; bytes *= 4) {
      if (scratch.length < bytes) scratch = Buffer.allocUnsafe(bytes);
      const read = readSync(file.fd, scratch, 0, bytes, offset);
      const end = scratch.indexOf(LINE_FEED);
      if (end >= 0 && end < read) {
        file.lastEnd = offset + end + 1;
        return scratch.toString("utf8", 0, end);
      }
      if (read < bytes) return null; // the file ends before the line does
    }
  }

  function readAhead(file: OpenFile, offset: number): void {
    if (file.block.length === 0) file.block = freeBlock();
    file.blockStart = offset;
    file.blockLength = readSync(file.fd, file.block, 0, AHEAD_BYTES, offset);
    withBlock.delete(file);
    withBlock.add(file);
  }

  /** The block of the file that used its own longest ago, once there are enough: a new one makes the collector work. */
  function freeBlock(): Buffer {
    const [oldest] = withBlock;
    if (withBlock.size < BLOCKS || !oldest) return Buffer.allocUnsafe(AHEAD_BYTES);
    const { block } = oldest;
    oldest.block = NO_BLOCK;
    oldest.blockLength = 0;
    withBlock.delete(oldest);
    return block;
  }

  function openFile(path: string): OpenFile | null {
    const known = files.get(path);
    if (known) return known;
    let fd: number;
    try {
      fd = openSync(path, "r");
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null; // cleaned up meanwhile
      throw diskError(cause, path, "read");
    }
    for (const [oldestPath, oldest] of files) {
      if (files.size < OPEN_FILES) break;
      closeSync(oldest.fd);
      withBlock.delete(oldest);
      files.delete(oldestPath);
    }
    const file = { fd, block: NO_BLOCK, blockStart: 0, blockLength: 0, lastEnd: 0, streak: 0 };
    files.set(path, file);
    return file;
  }

  return {
    lineAt,
    leave(folder) {
      for (const [path, file] of files) {
        if (dirname(path) !== folder) continue;
        closeSync(file.fd);
        withBlock.delete(file);
        files.delete(path);
      }
    },
    close() {
      for (const { fd } of files.values()) closeSync(fd);
      files.clear();
      withBlock.clear();
    },
  };
}

const NO_BLOCK = Buffer.alloc(0);
