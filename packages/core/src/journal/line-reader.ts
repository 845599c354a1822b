import { closeSync, openSync, readSync } from "node:fs";

/** Read at a guess where records lie scattered: most are shorter. */
const RANDOM_BYTES = 8 * 1024;
/** Read ahead where the next record follows closely. */
const AHEAD_BYTES = 512 * 1024;
const CLOSE_BYTES = 64 * 1024;
const OPEN_FILES = 128;
const LINE_FEED = 10;

/** Reads lines of segments by offset: in blocks while the offsets run on, singly where they jump. */
export interface LineReader {
  /** The line that begins at `offset`, without its line feed; null when there is no whole line. */
  lineAt(path: string, offset: number): string | null;
  close(): void;
}

interface OpenFile {
  readonly fd: number;
  block: Buffer;
  blockStart: number;
  blockLength: number;
}

export function lineReader(): LineReader {
  const files = new Map<string, OpenFile>();

  return {
    lineAt(path, offset) {
      const file = openFile(path);
      if (!file) return null;
      let from = offset - file.blockStart;
      if (from < 0 || from >= file.blockLength) {
        const gap = offset - (file.blockStart + file.blockLength);
        load(file, offset, gap >= 0 && gap < CLOSE_BYTES ? AHEAD_BYTES : RANDOM_BYTES);
        from = 0;
      }
      let end = lineEnd(file, from);
      if (end < 0) {
        load(file, offset, from > 0 ? AHEAD_BYTES : file.blockLength * 4);
        from = 0;
        end = lineEnd(file, 0);
      }
      // A line longer than the block: take ever larger ones until the line or the file ends.
      while (end < 0 && file.blockLength === file.block.length) {
        load(file, offset, file.blockLength * 4);
        end = lineEnd(file, 0);
      }
      return end < 0 ? null : file.block.toString("utf8", from, end);
    },

    close() {
      for (const { fd } of files.values()) closeSync(fd);
      files.clear();
    },
  };

  function openFile(path: string): OpenFile | null {
    const known = files.get(path);
    if (known) return known;
    let fd: number;
    try {
      fd = openSync(path, "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null; // cleaned up meanwhile
      throw error;
    }
    for (const [oldest, { fd: oldFd }] of files) {
      if (files.size < OPEN_FILES) break;
      closeSync(oldFd);
      files.delete(oldest);
    }
    const file = { fd, block: Buffer.alloc(0), blockStart: 0, blockLength: 0 };
    files.set(path, file);
    return file;
  }
}

function load(file: OpenFile, offset: number, bytes: number): void {
  const wanted = Math.max(bytes, RANDOM_BYTES);
  if (file.block.length !== wanted) file.block = Buffer.allocUnsafe(wanted);
  file.blockStart = offset;
  file.blockLength = readSync(file.fd, file.block, 0, wanted, offset);
}

function lineEnd(file: OpenFile, from: number): number {
  const end = file.block.indexOf(LINE_FEED, from);
  return end < 0 || end >= file.blockLength ? -1 : end;
}
