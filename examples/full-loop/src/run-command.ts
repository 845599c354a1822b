import { spawn } from "node:child_process";
import { once } from "node:events";

/** Runs a program to its end, with its output where ours goes. @throws when it does not end well */
export async function runCommand(
  [program = "", ...args]: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<void> {
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", process.stderr, process.stderr] });
  const [code, signal] = await once(child, "close");
  if (code !== 0) throw new Error(`${[program, ...args].join(" ")} ended with ${signal ?? `exit code ${code}`}`);
}
