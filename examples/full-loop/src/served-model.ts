import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ModelAddress } from "./sums-agent.js";

/** Puts a model folder behind an OpenAI-compatible endpoint, on a free port of 127.0.0.1, for as long as `work` takes. */
export async function withServedModel<T>(
  python: string,
  folder: string,
  { name, env }: { readonly name: string; readonly env: NodeJS.ProcessEnv },
  work: (model: ModelAddress) => Promise<T>,
): Promise<T> {
  const script = fileURLToPath(new URL("../python/serve_model.py", import.meta.url));
  // The server ends when its standard input does, so it cannot outlive this process.
  const child = spawn(python, [script, folder, name], { stdio: ["pipe", "pipe", "inherit"], env });
  const ended = once(child, "close");
  const lines = createInterface({ input: child.stdout });
  try {
    const first = await Promise.race([once(lines, "line"), ended.then(() => null)]);
    if (!first) throw new Error(`the server of ${folder} ended before it answered`);
    const { base_url: baseURL, model } = JSON.parse(String(first[0])) as { base_url: string; model: string };
    return await work({ baseURL, model });
  } finally {
    child.stdin.end();
    await ended;
  }
}
