import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fileStore } from "./stores/file-store.js";

const child = fileURLToPath(new URL("./exit-child.fixture.ts", import.meta.url));
const COUNT = 5_000;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "whetstone-exit-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe(`a process that logged ${COUNT} interactions in one turn and then ends by`, () => {
  it.each([
    { way: "nothing left to do", code: 0, signal: null, error: "" },
    { way: "process.exit", code: 7, signal: null, error: "" },
    { way: "an uncaught error", code: 1, signal: null, error: "an agent's own error" },
    { way: "an unhandled rejection", code: 1, signal: null, error: "an agent's own error" },
    { way: "SIGTERM with flushOnExit", code: null, signal: "SIGTERM", error: "" },
  ])("$way loses nothing, and ends as it would have", async ({ way, code, signal, error }) => {
    const ended = await run(way);
    const stored = await storedCount();
    console.log(`${way}: offered ${COUNT}, stored ${stored}, lost ${COUNT - stored}`);
    expect(stored).toBe(COUNT);
    expect(ended).toMatchObject({ code, signal });
    if (error === "") expect(ended.stderr).toBe("");
    else expect(ended.stderr).toContain(error);
  });

  it("SIGTERM without a handler loses what the turn logged, and is not delayed by a handler of ours", async () => {
    const ended = await run("SIGTERM");
    const stored = await storedCount();
    console.log(`SIGTERM: offered ${COUNT}, stored ${stored}, lost ${COUNT - stored}`);
    expect(ended.signal).toBe("SIGTERM");
    expect(stored).toBeLessThanOrEqual(COUNT);
  });
});

function run(way: string): Promise<{ code: number | null; signal: string | null; stderr: string }> {
  return new Promise((resolve, reject) => {
    const ending = spawn(process.execPath, ["--import", "tsx", child, folder, way, String(COUNT)], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    ending.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    ending.on("error", reject);
    ending.on("close", (code, signal) => resolve({ code, signal, stderr }));
  });
}

async function storedCount(): Promise<number> {
  const store = fileStore(folder);
  const { totalInteractions } = await store.stats();
  await store.close();
  return totalInteractions;
}
