import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { splitLines } from "./split-lines.js";

/** JSON values that wait on disk. Disposing of it removes them. */
export interface Spool<T> extends AsyncDisposable {
  write(values: readonly T[]): Promise<void>;
  /** Streams what was written, in order. */
  read(): AsyncIterable<T>;
}

/** Makes a spool in a temporary folder that only this user can read. */
export async function createSpool<T>(): Promise<Spool<T>> {
  const folder = await mkdtemp(join(tmpdir(), "whetstone-import-"));
  const path = join(folder, "rows.ndjson");
  const file = await open(path, "wx", 0o600);
  return {
    async write(values) {
      await file.writeFile(values.map((value) => `${JSON.stringify(value)}\n`).join(""));
    },
    async *read() {
      for await (const { bytes } of splitLines(createReadStream(path))) {
        if (bytes) yield JSON.parse(bytes.toString()) as T;
      }
    },
    async [Symbol.asyncDispose]() {
      await file.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
