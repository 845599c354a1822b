import type { Writable } from "node:stream";
import { CliError, systemReason } from "./cli-error.js";
import type { CliIo } from "./cli-io.js";
import { terminalJson } from "./terminal-text.js";

/** Where a command's words go. Nobody reading on (`| head`) is no error: `closed` tells, and writing does nothing. */
export interface Output {
  readonly json: boolean;
  /** Nobody reads standard output any more. */
  readonly closed: boolean;
  /** Writes JSON values on standard output, one a line. */
  writeJson(...values: readonly unknown[]): Promise<void>;
  /** Writes lines that are safe to show on standard output. */
  writeLines(...lines: readonly string[]): Promise<void>;
  /** Writes text of our own on standard output as it is. */
  writeText(text: string): Promise<void>;
  /** Writes lines that are safe to show on standard error. */
  note(...lines: readonly string[]): Promise<void>;
  /** Writes a JSON value on standard error, on one line. */
  noteJson(value: unknown): Promise<void>;
  /** Emphasis, where standard output is a terminal that may have it. */
  bold(text: string): string;
}

/** Makes the output of one run of a command. */
export function createOutput(io: CliIo, json: boolean): Output {
  const stdout = guarded(io.stdout);
  const stderr = guarded(io.stderr);
  const styled = Boolean(io.stdout.isTTY) && !io.env.NO_COLOR && io.env.TERM !== "dumb";
  return {
    json,
    get closed() {
      return stdout.closed;
    },
    writeJson: (...values) => stdout.write(values.map((value) => `${terminalJson(value)}\n`).join("")),
    writeLines: (...lines) => stdout.write(lines.map((line) => `${line}\n`).join("")),
    writeText: (text) => stdout.write(text),
    note: (...lines) => stderr.write(lines.map((line) => `${line}\n`).join("")),
    noteJson: (value) => stderr.write(`${terminalJson(value)}\n`),
    bold: (text) => (styled ? `\u001b[1m${text}\u001b[22m` : text),
  };
}

interface GuardedStream {
  readonly closed: boolean;
  write(text: string): Promise<void>;
}

const guards = new WeakMap<Writable, GuardedStream>();

function guarded(stream: Writable): GuardedStream {
  const known = guards.get(stream);
  if (known) return known;
  let closed = false;
  // Without a listener the stream's error would end the process; the write's own callback handles it.
  stream.on("error", () => {});
  const guard: GuardedStream = {
    get closed() {
      return closed;
    },
    write: (text) =>
      new Promise((resolve, reject) => {
        if (closed || text === "") return resolve();
        // Waiting for the callback is what keeps memory bounded when the reader is slow.
        stream.write(text, (error) => {
          if (!error) return resolve();
          closed = true;
          if (READER_GONE.has((error as NodeJS.ErrnoException).code ?? "")) return resolve();
          reject(
            new CliError("OUTPUT_UNWRITABLE", `cannot write the output: ${systemReason(error)}`, { cause: error }),
          );
        });
      }),
  };
  guards.set(stream, guard);
  return guard;
}

const READER_GONE = new Set(["EPIPE", "ECONNRESET", "ERR_STREAM_DESTROYED", "ERR_STREAM_WRITE_AFTER_END"]);
