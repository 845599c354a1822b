import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { type TrainingEvent, trainingOutput } from "./training-output.js";

/** How a training ended. */
export interface TrainingEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How long an interrupted training has to end by itself. */
const GRACE_MS = 30_000;

/**
 * Runs a training as a child process and tells what it says. Ctrl-C is passed on to it and to the processes it started;
 * its output is kept in the log file, as it came.
 */
export async function runTraining(
  [program = "", ...args]: readonly string[],
  {
    cwd,
    env,
    signal,
    log,
    onStart,
    onEvent,
  }: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly signal: AbortSignal;
    readonly log: string;
    readonly onStart: (pid: number) => void;
    readonly onEvent: (event: TrainingEvent) => void;
  },
): Promise<TrainingEnd> {
  const file = createWriteStream(log, { flags: "a" });
  // A process group of its own, so that a signal reaches all of it exactly once and from us alone.
  const child = spawn(...inOrder(program, args), {
    cwd,
    env: { ...env, PYTHONUNBUFFERED: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const tell = (which: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, which);
    } catch {
      // It has ended in the meantime.
    }
  };
  const killed = () => tell("SIGKILL");
  let patience: NodeJS.Timeout | undefined;
  const interrupt = () => {
    tell(signal.reason === "SIGTERM" ? "SIGTERM" : "SIGINT");
    patience = setTimeout(killed, GRACE_MS).unref();
  };
  // Whoever is in a hurry presses Ctrl-C again, and this process ends: the training must not go on unseen.
  process.on("exit", killed);
  try {
    return await new Promise<TrainingEnd>((resolve, reject) => {
      child.on("error", reject);
      const output = trainingOutput();
      for (const stream of [child.stdout, child.stderr]) {
        const reader = output.reader();
        stream.setEncoding("utf8").on("data", (piece: string) => {
          file.write(piece);
          for (const event of reader.read(piece)) onEvent(event);
        });
        stream.on("end", () => {
          for (const event of reader.end()) onEvent(event);
        });
      }
      child.on("spawn", () => {
        if (child.pid !== undefined) onStart(child.pid);
        if (signal.aborted) interrupt();
        else signal.addEventListener("abort", interrupt, { once: true });
      });
      child.on("close", (exitCode, endedBy) => resolve({ exitCode, signal: endedBy }));
    });
  } finally {
    clearTimeout(patience);
    signal.removeEventListener("abort", interrupt);
    process.off("exit", killed);
    await new Promise((resolve) => file.end(resolve));
  }
}

/**
 * A trainer draws its bar on standard error and logs on standard output. On one pipe they stay in order, so that what is
 * logged belongs to the step that was drawn before it. `exec` keeps the process the one we started.
 */
function inOrder(program: string, args: readonly string[]): [program: string, args: string[]] {
  if (process.platform === "win32") return [program, [...args]];
  return ["/bin/sh", ["-c", 'exec "$@" 2>&1', "sh", program, ...args]];
}
