import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { diskError } from "./disk-error.js";

/** A file that only grows, by whole lines. */
export interface OutFile {
  readonly path: string;
  /** -1 while it is closed to spare descriptors. */
  fd: number;
  bytes: number;
  /** Part of a line was left at the end, and could not be cut off. */
  torn?: boolean;
  /** When somebody last looked whether the file still has its name, by `performance.now`. */
  checkedAt?: number;
}

/** Writes all bytes, or throws and leaves none: a short write, which the system reports as no error, is cut off again. */
export function writeWhole(file: OutFile, bytes: Uint8Array, length: number): void {
  let written = 0;
  try {
    while (written < length) {
      const count = writeSync(file.fd, bytes, written, length - written);
      if (count === 0) throw Object.assign(new Error("no byte was written"), { code: "ENOSPC" });
      written += count;
    }
  } catch (cause) {
    if (written > 0) cutOff(file);
    throw diskError(cause, file.path);
  }
  file.bytes += length;
}

function cutOff(file: OutFile): void {
  try {
    ftruncateSync(file.fd, file.bytes);
  } catch {
    file.torn = true;
  }
}

/** Keeps a torn line, which readers skip, from swallowing the line that follows. */
export function endTornLine(file: OutFile): void {
  const fd = openSync(file.path, "a", 0o600);
  try {
    writeSync(fd, "\n");
    file.bytes = fstatSync(fd).size;
    file.torn = false;
  } finally {
    closeSync(fd);
  }
}
