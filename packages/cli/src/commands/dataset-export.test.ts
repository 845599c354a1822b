import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

/** A folder of pairs, a folder of groups, and a file of good answers. */
async function datasets() {
  const cwd = temporaryFolder();
  const answers = [1, 0.5, 0].map((overall, i) => ({ answer: `answer ${i}`, qualityScores: { overall } }));
  await recorded(cwd, ...answers.map((fields, i) => interaction({ ...fields, interactionId: `i${i}`, query: "p?" })));
  await runJson(["dataset", "dpo", "--out", "pairs"], { cwd });
  await runJson(["dataset", "grpo", "--group-size", "3", "--out", "groups"], { cwd });
  await runJson(["dataset", "sft", "--out", "good.jsonl"], { cwd });
  return cwd;
}

it("writes a dataset for a service beside it, and says what it wrote", async () => {
  const cwd = await datasets();
  const { exitCode, stdout } = await runInProcess(["dataset", "export", "pairs", "--to", "fireworks"], { cwd });
  expect(exitCode).toBe(ExitCode.done);
  expect(stdout.split("\n")).toEqual([
    "1 row for fireworks in train.jsonl",
    "fireworks takes files of 3 rows or more, and train.jsonl has 1",
    `written to ${join(cwd, "pairs-fireworks")}`,
    "",
  ]);
  expect(JSON.parse(readFileSync(join(cwd, "pairs-fireworks", "train.jsonl"), "utf8"))).toEqual({
    input: { messages: [{ role: "user", content: "p?" }] },
    preferred_output: [{ role: "assistant", content: "answer 0" }],
    non_preferred_output: [{ role: "assistant", content: "answer 2" }],
  });
});

it("names the model in the settings of a framework, and takes a file as well as a folder", async () => {
  const cwd = await datasets();
  const told = await runJson(
    ["dataset", "export", "good.jsonl", "--to", "axolotl", "--model", "acme/base", "--out", "x/good"],
    { cwd },
  );
  expect(told).toMatchObject({ to: "axolotl", path: join(cwd, "x", "good"), rows: 1, left_out: {}, warnings: [] });
  expect(readFileSync(join(cwd, "x", "good", "axolotl.yaml"), "utf8")).toContain('base_model: "acme/base"');
});

it("writes any method as Parquet, and replaces an export when told to", async () => {
  const cwd = await datasets();
  const command = ["dataset", "export", "groups", "--to", "parquet"];
  expect(await runJson(command, { cwd })).toMatchObject({ files: { "train.parquet": { rows: 1 } } });
  expect(await runInProcess(command, { cwd })).toMatchObject({ exitCode: ExitCode.failed });
  expect(await runJson([...command, "--overwrite"], { cwd })).toMatchObject({ rows: 1 });
  expect(readdirSync(join(cwd, "groups-parquet")).sort()).toEqual(["README.md", "manifest.json", "train.parquet"]);
});

it("says what it cannot export", async () => {
  const cwd = await datasets();
  const failed = async (...args: string[]) => runInProcess(["dataset", "export", ...args], { cwd });
  expect(await failed("groups", "--to", "azure")).toMatchObject({ stderr: expect.stringContaining("Parquet") });
  expect(await failed("nothing", "--to", "azure")).toMatchObject({ stderr: expect.stringContaining("is no dataset") });
  expect(await failed("pairs", "--to", "openai")).toMatchObject({ exitCode: ExitCode.usage });
  expect(await failed("pairs")).toMatchObject({ exitCode: ExitCode.usage });
});
