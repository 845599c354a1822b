import { createHash, randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DatasetError } from "@whetstone/core";
import { rowLine } from "./json-lines.js";

/** What a finished file is. */
export interface FileSummary {
  readonly rows: number;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** A new file that rows are appended to. */
export interface JsonlFile {
  /** Resolves when the disk took enough of it: awaiting this is the back-pressure. */
  write(rows: readonly object[]): Promise<void>;
  /** Writes the rest, waits until the disk has it, closes. */
  finish(): Promise<FileSummary>;
  /** Closes without more ado, for a file that is going to be removed. */
  abandon(): Promise<void>;
}

const CHUNK = 512 * 1024;

/** Creates a file that must not exist yet, not even as a link. */
export async function createJsonl(path: string): Promise<JsonlFile> {
  const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW = 0 } = constants;
  const handle = await saying(path, open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o666));
  const sha256 = createHash("sha256");
  let [rows, bytes] = [0, 0];
  let text = "";
  let inFlight: Promise<void> = Promise.resolve();

  // One chunk is written while the next one is made; whoever comes with a third one waits.
  const drain = async () => {
    const buffer = Buffer.from(text);
    text = "";
    sha256.update(buffer);
    bytes += buffer.length;
    await inFlight;
    inFlight = saying(path, writeAll(handle, buffer));
    inFlight.catch(() => {}); // met by the next one who waits
  };

  return {
    async write(batch) {
      for (const row of batch) {
        text += `${rowLine(row)}\n`;
        rows += 1;
        if (text.length >= CHUNK) await drain();
      }
    },
    async finish() {
      await drain();
      await inFlight;
      await saying(path, handle.sync());
      await saying(path, handle.close());
      return { rows, bytes, sha256: sha256.digest("hex") };
    },
    async abandon() {
      await inFlight.catch(() => {});
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
  EDQUOT: "stopped, the disk quota is used up: free some space and build again, nothing was left behind",
  ENOTDIR: "is not possible: a part of the path is a file, not a folder",
};

async function writeAll(handle: FileHandle, buffer: Buffer): Promise<void> {
  for (let done = 0; done < buffer.length; ) {
    const { bytesWritten } = await handle.write(buffer, done, buffer.length - done);
    done += bytesWritten;
  }
}
