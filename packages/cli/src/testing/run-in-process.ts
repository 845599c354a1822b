import { Readable, Writable } from "node:stream";
import type { CliIo } from "../cli-io.js";
import { ExitCode } from "../exit-code.js";
import { runCli } from "../program.js";

/** What a command line left behind. */
export interface CliRun {
  readonly exitCode: ExitCode | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly stdin?: string | Readable;
  readonly env?: Readonly<Record<string, string>>;
  readonly now?: number;
  readonly signal?: AbortSignal;
  /** Makes all three streams look like a terminal. */
  readonly isTTY?: boolean;
}

/** A fixed present for tests: 2026-02-01T12:00:00Z. */
export const NOW = Date.UTC(2026, 1, 1, 12);

/** What a command may use, and what it left there. */
export function testIo(options: RunOptions): { readonly io: CliIo; result(): CliRun } {
  const { cwd, stdin = "", env = {}, now = NOW, signal = new AbortController().signal, isTTY = false } = options;
  const stdout = collector(isTTY);
  const stderr = collector(isTTY);
  let exitCode: ExitCode | undefined;
  const input = typeof stdin === "string" ? Readable.from([Buffer.from(stdin)]) : stdin;
  const io: CliIo = {
    stdin: Object.assign(input, { isTTY }),
    stdout: stdout.stream,
    stderr: stderr.stream,
    env,
    cwd,
    signal,
    now: () => now,
    setExitCode: (code) => {
      exitCode = code;
    },
  };
  return { io, result: () => ({ exitCode, stdout: stdout.text(), stderr: stderr.text() }) };
}

/** Runs a command line inside this process. */
export async function runInProcess(args: readonly string[], options: RunOptions): Promise<CliRun> {
  const { io, result } = testIo(options);
  await runCli(args, io);
  return result();
}

/** Runs a command with --json that has to succeed, and parses what it printed. */
export async function runJson<T = Record<string, unknown>>(args: readonly string[], options: RunOptions): Promise<T> {
  const run = await runInProcess([...args, "--json"], options);
  if (run.exitCode !== ExitCode.done) throw new Error(`exit code ${run.exitCode}: ${run.stderr}`);
  return JSON.parse(run.stdout) as T;
}

function collector(isTTY: boolean) {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY, columns: 120 }), text: () => Buffer.concat(chunks).toString() };
}
