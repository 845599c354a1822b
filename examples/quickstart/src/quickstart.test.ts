import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const here = join(root, "examples/quickstart");

it("prints one training row for the one answer, which is right", { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "whetstone-quickstart-"));
  const args = [join(root, "node_modules/tsx/dist/cli.mjs"), "--tsconfig", join(here, "tsconfig.json")];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...args, join(here, "src/quickstart.ts")], {
    cwd: folder,
  });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toMatchObject({
    messages: [
      { role: "user", content: "What is 7 + 5?" },
      { role: "assistant", content: "Let me see: What is 7 + 5? The answer is 12." },
    ],
    metadata: { agent_type: "math", quality_score: 1, score_source: "verifier:math" },
  });
  await rm(folder, { recursive: true });
});
