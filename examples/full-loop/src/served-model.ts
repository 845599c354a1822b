import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ModelAddress } from "./sums-agent.js";

export interface ServedModel extends ModelAddress {
  stop(): Promise<void>;
}

/** Puts a model folder behind an OpenAI-compatible endpoint of its own, on a free port of 127.0.0.1. */
export async function serveModel(
  python: string,
  folder: string,
  { name, env }: { readonly name: string; readonly env: NodeJS.ProcessEnv },
): Promise<ServedModel> {
  const script = fileURLToPath(new URL("../python/serve_model.py", import.meta.url));
  // The server ends when its standard input does, so it cannot outlive this process.
  const child = spawn(python, [script, folder, name], { stdio: ["pipe", "pipe", "inherit"], env });
  const ended = once(child, "close");
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, "line"), ended.then(() => null)]);
  if (!first) throw new Error(`the server of ${folder} ended before it answered`);
  const { base_url: baseURL, model } = JSON.parse(String(first[0])) as { base_url: string; model: string };
  return {
    baseURL,
    model,
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
