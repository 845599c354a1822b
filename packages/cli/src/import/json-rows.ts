import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { CliError, systemReason } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type Line, MAX_LINE_BYTES, splitLines } from "./split-lines.js";

/** A row of a JSONL input, or why the line holds none. Lines count from 1. */
export type JsonRow = { readonly line: number } & (
  | { readonly row: Readonly<Record<string, unknown>> }
  | { readonly reason: string }
);

/** A JSONL input that is open. */
export interface JsonInput {
  /** What to call it in a sentence. */
  readonly name: string;
  /** Size on disk; undefined for standard input. */
  readonly bytes: number | undefined;
  /** Bytes read from disk so far. */
  bytesRead(): number;
  /** Streams the rows in constant memory. Blank lines are passed over. */
  rows(): AsyncGenerator<JsonRow>;
}

/** Opens a JSONL file, gzipped or not, or standard input for `-`. @throws CliError when it cannot be read */
export async function openJsonInput(io: CliIo, path: string): Promise<JsonInput> {
  if (path === "-") return jsonInput("standard input", io.stdin, undefined, io.signal);
  const fullPath = resolve(io.cwd, path);
  const name = JSON.stringify(path);
  const unreadable = (error: unknown) =>
    new CliError("INPUT_UNREADABLE", `cannot read ${name}: ${systemReason(error)}`, { cause: error });
  const found = await stat(fullPath).catch((error) => {
    throw unreadable(error);
  });
  if (found.isDirectory()) {
    throw new CliError("INPUT_UNREADABLE", `cannot read ${name}: it is a folder, give a JSONL file in it`);
  }
  const stream = createReadStream(fullPath, { highWaterMark: 256 * 1024 });
  await new Promise<void>((opened, failed) => {
    stream.once("open", () => opened());
    stream.once("error", (error) => failed(unreadable(error)));
  });
  return jsonInput(name, stream, found.isFile() ? found.size : undefined, io.signal);
}

function jsonInput(name: string, stream: Readable, bytes: number | undefined, signal: AbortSignal): JsonInput {
  let read = 0;
  const rawChunks = async function* () {
    for await (const chunk of stream as AsyncIterable<Buffer | string>) {
      const buffer = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      read += buffer.length;
      yield buffer;
    }
  };
  return {
    name,
    bytes,
    bytesRead: () => read,
    async *rows() {
      const stop = () => stream.destroy();
      signal.addEventListener("abort", stop, { once: true });
      try {
        for await (const line of splitLines(await unzipped(rawChunks()))) {
          signal.throwIfAborted();
          const row = parseLine(line, name);
          if (row) yield row;
        }
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof CliError) throw error;
        throw new CliError("INPUT_UNREADABLE", `cannot read ${name}: ${systemReason(error)}`, { cause: error });
      } finally {
        signal.removeEventListener("abort", stop);
        stream.destroy();
      }
      signal.throwIfAborted();
    },
  };
}

/** Looks at the first two bytes, not at the name, so that a pipe may be gzipped too. */
async function unzipped(chunks: AsyncGenerator<Buffer>): Promise<AsyncIterable<Buffer>> {
  let head = Buffer.alloc(0);
  while (head.length < 2) {
    const next = await chunks.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  const whole = async function* () {
    yield head;
    yield* chunks;
  };
  if (head[0] !== 0x1f || head[1] !== 0x8b) return whole();
  const packed = Readable.from(whole(), { objectMode: false });
  const gunzip = createGunzip();
  packed.on("error", (error) => gunzip.destroy(error));
  return packed.pipe(gunzip);
}

function parseLine({ number: line, bytes, ended, damaged }: Line, name: string): JsonRow | null {
  if (damaged) return { line, reason: "the gzip data is cut short or damaged from here on" };
  if (!bytes) return { line, reason: `the line is longer than ${MAX_LINE_BYTES / 1024 / 1024} MiB` };
  if (line === 1 && bytes.length >= 2 && (bytes.readUInt16BE(0) === 0xfffe || bytes.readUInt16BE(0) === 0xfeff)) {
    const remedy = "convert it with: iconv -f UTF-16 -t UTF-8";
    throw new CliError("INPUT_INVALID", `${name} is UTF-16, and JSONL is UTF-8: ${remedy}`);
  }
  let text: string;
  try {
    text = utf8.decode(bytes).trim();
  } catch {
    return { line, reason: ended ? "not valid UTF-8" : CUT_SHORT };
  }
  if (text === "") return null;
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch (error) {
    if (!ended && text.startsWith("{")) return { line, reason: CUT_SHORT };
    if (text === "[") return { line, reason: `not JSONL but one JSON array: ${ARRAY_REMEDY}` };
    return { line, reason: `not JSON: ${(error as Error).message}` };
  }
  if (Array.isArray(row)) return { line, reason: `an array, not a JSON object: ${ARRAY_REMEDY}` };
  if (row === null) return { line, reason: "null, not a JSON object" };
  if (typeof row !== "object") return { line, reason: `a ${typeof row}, not a JSON object` };
  return { line, row: row as Record<string, unknown> };
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
const CUT_SHORT = "cut short: the file ends inside this row";
const ARRAY_REMEDY = "make lines of it with: jq -c '.[]'";
