import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { onTestFinished } from "vitest";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
const tsconfig = fileURLToPath(new URL("../../tsconfig.json", import.meta.url));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** What starts the command from its sources, as words of a shell. */
export const command: readonly string[] = [process.execPath, "--import", tsx, main];

const environment: Readonly<Record<string, string>> = {
  PATH: process.env.PATH ?? "",
  TSX_TSCONFIG_PATH: tsconfig,
};

/** A process that was started, and how it will end. */
export interface Spawned {
  readonly child: ChildProcess;
  readonly end: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

/** Starts a program as a child process and collects what it prints. It does not outlive the test. */
export function spawned([program = "", ...args]: readonly string[], options: SpawnOptions): Spawned {
  const child = spawn(program, args, { ...options, env: { ...environment, ...options.env } });
  onTestFinished(() => void child.kill("SIGKILL"));
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  }
  const end = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...texts }));
  });
  return { child, end };
}
