import { createHash, randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DatasetError } from "@whetstone/core";
import { holdsLineEnd, pythonLines } from "./json-lines.js";

/** What a finished file is. */
export interface FileSummary {
  readonly rows: number;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** A new file that rows, as lines of JSON, are appended to. */
export interface JsonlFile {
  /** Resolves when the disk took enough of it: awaiting this is the back-pressure. */
  write(lines: readonly string[]): Promise<void>;
  /** Writes the rest, waits until the disk has it, closes. */
  finish(): Promise<FileSummary>;
  /** Closes without more ado, for a file that is going to be removed. */
  abandon(): Promise<void>;
}

const LINE_FEED = 10;
const CHUNK = 512 * 1024;
/** The disk is asked to take what was written every so many bytes, beside the work: little is left to wait for at the end. */
const SYNC_BYTES = 32 * 1024 * 1024;
/** UTF-8 takes at most so many bytes for one unit of a JavaScript string. */
const BYTES_A_UNIT = 3;

/** Creates a file that must not exist yet, not even as a link. */
export async function createJsonl(path: string): Promise<JsonlFile> {
  const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW = 0 } = constants;
  const handle = await saying(path, open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o666));
  const sha256 = createHash("sha256");
  let [rows, bytes] = [0, 0];
  let [chunk, other] = [Buffer.allocUnsafe(CHUNK), Buffer.allocUnsafe(CHUNK)];
  let filled = 0;
  let hasLineEnds = false;
  let inFlight: Promise<void> = Promise.resolve();
  let unsynced = 0;
  let synced: Promise<void> = Promise.resolve();

  const write = async (lines: Buffer) => {
    await saying(path, writeAll(handle, lines));
    unsynced += lines.length;
    if (unsynced < SYNC_BYTES) return;
    unsynced = 0;
    // A disk tells of what it lost only once: it is heard at the end.
    synced = synced.then(() => saying(path, handle.datasync()));
    synced.catch(() => {});
  };

  // One chunk is written while the next one is made; whoever comes with a third one waits.
  const drain = async () => {
    const lines = pythonLines(chunk.subarray(0, filled), hasLineEnds);
    sha256.update(lines);
    bytes += lines.length;
    await inFlight;
    inFlight = write(lines);
    inFlight.catch(() => {}); // met by the next one who waits
    [chunk, other] = [other, chunk];
    filled = 0;
    hasLineEnds = false;
  };

  return {
    async write(batch) {
      // Line by line: one text beyond Latin-1 would make a whole chunk of joined text slow to encode.
      for (const line of batch) {
        const room = line.length * BYTES_A_UNIT + 1;
        if (room > chunk.length - filled) await drain();
        if (room > chunk.length) chunk = Buffer.allocUnsafe(room);
        const written = chunk.write(line, filled);
        // All of these ends lie beyond ASCII, where a character takes more than one byte.
        if (written > line.length && holdsLineEnd(line)) hasLineEnds = true;
        filled += written;
        chunk[filled] = LINE_FEED;
        filled += 1;
        rows += 1;
      }
    },
    async finish() {
      await drain();
      await inFlight;
      await synced;
      await saying(path, handle.sync());
      await saying(path, handle.close());
      return { rows, bytes, sha256: sha256.digest("hex") };
    },
    async abandon() {
      await inFlight.catch(() => {});
      await synced.catch(() => {});
      await handle.close().catch(() => {}); // closed already, or the disk is gone: the file is removed either way
    },
  };
}

/** A hidden name beside the final one, so that the rename stays on one disk. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
}

/** Makes a failure of the disk a DatasetError that names the path. */
export async function saying<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw writeFailed(path, cause);
  }
}

function writeFailed(path: string, cause: unknown): DatasetError {
  const { code = "", message = String(cause) } = cause as NodeJS.ErrnoException;
  const reason = REASONS[code] ?? `failed (${message}): nothing was left behind`;
  return new DatasetError("DATASET_WRITE_FAILED", `writing ${path} ${reason}`, { cause });
}

const REASONS: Record<string, string> = {
  EACCES: "is not permitted: choose a folder you may write to",
  EEXIST: "is not possible: something of that name has come up meanwhile",
  ENOTEMPTY: "is not possible: something of that name has come up meanwhile",
  EPERM: "is not permitted: choose a folder you may write to",
  EROFS: "is not possible, the disk is read-only: choose another folder",
  ENOSPC: "stopped, the disk is full: free some space and build again, nothing was left behind",
  EFBIG:
    "stopped at the largest file this process may write (ulimit -f): raise it and build again, nothing was left behind",
  EDQUOT: "stopped, the disk quota is used up: free some space and build again, nothing was left behind",
  ENOTDIR: "is not possible: a part of the path is a file, not a folder",
};

async function writeAll(handle: FileHandle, buffer: Buffer): Promise<void> {
  for (let done = 0; done < buffer.length; ) {
    const { bytesWritten } = await handle.write(buffer, done, buffer.length - done);
    done += bytesWritten;
  }
}
