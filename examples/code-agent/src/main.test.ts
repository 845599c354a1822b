import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const run = promisify(execFile);
const program = [
  join(root, "node_modules/tsx/dist/cli.mjs"),
  "--tsconfig",
  join(root, "tsconfig.base.json"),
  fileURLToPath(new URL("main.ts", import.meta.url)),
];

it("answers one task with all variants, shows the code and keeps the records where it is told to", async () => {
  const folder = await mkdtemp(join(tmpdir(), "whetstone-code-main-"));
  const { stdout, stderr } = await run(process.execPath, [...program, "--task", "gcd", "--store", folder]);
  expect(stderr).toBe("");
  expect(stdout).toContain("function divisor(a, b) {");
  expect(stdout).toMatch(/^careful {4}1 passed, 0 failed, 0 without a result$/m);
  expect(stdout).toMatch(/^recorded {3}3, scored 3$/m);
  expect(await readdir(folder)).toContain("whetstone.json");
  await rm(folder, { recursive: true });
});

it("tells a wrong task and a missing model in one line each", async () => {
  const { OPENAI_API_KEY: _key, OPENAI_BASE_URL: _url, ...env } = process.env;
  await expect(run(process.execPath, [...program, "--task", "chess"], { env })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^there is no task "chess": use one of odd-sum, .*\n$/),
  });
  await expect(run(process.execPath, [...program, "--live"], { env })).rejects.toMatchObject({
    code: 1,
    stderr: "no model to ask: set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own\n",
  });
});
