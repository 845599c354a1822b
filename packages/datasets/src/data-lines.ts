import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { createGunzip } from "node:zlib";
import { ConfigError } from "@whetstone/core";

/** A file with rows. */
export interface DataFile {
  readonly path: string;
  /** As reports name it. */
  readonly name: string;
  readonly isTest: boolean;
  /** On disk. */
  readonly bytes: number;
}

/** A line that is not empty. */
export interface DataLine {
  /** From 1 on. */
  readonly number: number;
  /** Bytes of the file, as it is read, before this line. */
  readonly offset: number;
  /** Null when the line cannot be read. */
  readonly text: string | null;
  readonly trouble: "notUtf8" | "lineTooLong" | null;
}

/**
 * The files of a dataset: the file itself, or a folder's. A folder's files are told apart by their names, as loaders do
 * it: `test…`, `eval…`, `valid…`, `val…` and `dev…` are the test part, which comes first here. What is hidden is passed
 * over, as loaders do it too.
 * @throws ConfigError when there is nothing to read
 */
export async function dataFiles(path: string): Promise<readonly DataFile[]> {
  const found = await stat(path).catch((cause: unknown) => {
    const reason = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "does not exist" : "cannot be read";
    throw new ConfigError(`${path} ${reason}: name a .jsonl file, or a folder that holds some`, { cause });
  });
  if (!found.isDirectory()) return [{ path, name: basename(path), isTest: false, bytes: found.size }];
  const names = (await readdir(path, { recursive: true }))
    .filter((name) => ROWS.test(name) && !HIDDEN.test(name))
    .sort();
  const files: DataFile[] = [];
  for (const name of names) {
    const file = await stat(join(path, name));
    if (!file.isFile()) continue;
    files.push({ path: join(path, name), name, isTest: TEST.test(basename(name)), bytes: file.size });
  }
  if (files.length === 0)
    throw new ConfigError(`${path} holds no .jsonl file: name a file, or a folder that holds some`);
  return [...files.filter(({ isTest }) => isTest), ...files.filter(({ isTest }) => !isTest)];
}

const ROWS = /\.(?:jsonl|ndjson)(?:\.gz)?$/;
const HIDDEN = /(?:^|[\\/])\./;
const TEST = /^(?:test|eval|valid|val|dev)/;
const LINE_FEED = 10;
const BLOCK = 1024 * 1024;
const MAX_LINE = 64 * 1024 * 1024;
const BYTE_ORDER_MARK = Buffer.from("\ufeff");

/**
 * Reads a file line by line; a file of one endless line takes no more memory than another. Not readline, which takes
 * other signs for line ends too. @throws ConfigError for a file that cannot be read
 */
export async function* dataLines({ path }: Pick<DataFile, "path">, signal?: AbortSignal): AsyncGenerator<DataLine> {
  const file = createReadStream(path, { highWaterMark: BLOCK, ...(signal && { signal }) });
  const input = path.endsWith(".gz") ? file.pipe(createGunzip({ chunkSize: BLOCK })) : file;
  if (input !== file) file.on("error", (error) => input.destroy(error));
  let parts: Buffer[] = [];
  let [held, number, offset] = [0, 0, 0];

  const finish = (): DataLine | null => {
    number += 1;
    const length = held;
    const start = offset;
    offset += length + 1;
    const bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    parts = [];
    held = 0;
    if (length > MAX_LINE) return { number, offset: start, text: null, trouble: "lineTooLong" };
    const line = number === 1 && bytes.indexOf(BYTE_ORDER_MARK) === 0 ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
    if (!isUtf8(line)) return { number, offset: start, text: null, trouble: "notUtf8" };
    const text = line.toString();
    return text.trim() === "" ? null : { number, offset: start, text, trouble: null };
  };

  try {
    for await (const chunk of input) {
      const block = chunk as Buffer;
      let start = 0;
      for (let end = block.indexOf(LINE_FEED); end >= 0; end = block.indexOf(LINE_FEED, start)) {
        hold(block.subarray(start, end));
        const line = finish();
        if (line) yield line;
        start = end + 1;
      }
      if (start < block.length) hold(block.subarray(start));
    }
    const last = held > 0 ? finish() : null;
    if (last) yield last;
  } catch (cause) {
    if (signal?.aborted || ConfigError.isInstance(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`${path} cannot be read (${reason}): name a JSONL file that is whole and readable`, {
      cause,
    });
  } finally {
    file.destroy();
  }

  function hold(part: Buffer): void {
    held += part.length;
    if (held <= MAX_LINE) parts.push(part);
    else parts = [];
  }
}
