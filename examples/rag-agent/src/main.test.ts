import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { fakeOpenAiServer } from "@whetstone/core/testing";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const run = promisify(execFile);
const program = [
  join(root, "node_modules/tsx/dist/cli.mjs"),
  "--tsconfig",
  join(root, "tsconfig.base.json"),
  fileURLToPath(new URL("main.ts", import.meta.url)),
];

it("answers a question, names its sources and keeps the record where it is told to", async () => {
  const folder = await mkdtemp(join(tmpdir(), "whetstone-rag-main-"));
  const { stdout, stderr } = await run(process.execPath, [
    ...program,
    "--store",
    folder,
    "How do I turn recording off?",
  ]);
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^`WHETSTONE_DISABLED=1` turns .* off.*\[1\]/);
  expect(stdout).toMatch(/^ {2}\[1\] docs\/[\w-]+\.md#[\w-]+$/m);
  expect(stdout).toMatch(/^recorded {3}1, scored 1$/m);
  expect(await readdir(folder)).toContain("whetstone.json");
  await rm(folder, { recursive: true });
});

it("asks the model of the environment when it is told to", async () => {
  await using server = await fakeOpenAiServer(() => "Set WHETSTONE_DISABLED=1 [1].");
  const { OPENAI_API_KEY: _key, ...inherited } = process.env;
  const env = { ...inherited, OPENAI_BASE_URL: server.baseURL, OPENAI_MODEL: "tiny" };
  const { stdout } = await run(process.execPath, [...program, "--live", "How do I turn recording off?"], { env });
  expect(stdout).toMatch(/^Set WHETSTONE_DISABLED=1 \[1\]\.\n/);
  expect(server.requests.map(({ body }) => body.model)).toEqual(["tiny"]);
});
