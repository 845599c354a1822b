import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { runInProcess } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

const row = (question: string, answer: string) =>
  `${JSON.stringify({
    messages: [
      { role: "user", content: question },
      { role: "assistant", content: answer },
    ],
  })}\n`;

it("says of a dataset that a build wrote how many tokens it has, and exits with 3 for warnings", async () => {
  const cwd = temporaryFolder();
  const answered = (n: number) =>
    interaction({ query: `What is ${n} + 1?`, answer: `${n + 1}`, qualityScores: { overall: 1 } });
  await recorded(cwd, ...Array.from({ length: 20 }, (_, n) => answered(n)));
  await runInProcess(["dataset", "sft", "--out", "sft"], { cwd });
  const run = await runInProcess(["validate", "sft"], { cwd });
  expect(run.exitCode).toBe(ExitCode.partly);
  expect(run.stdout).toContain("20 rows for sft (train.jsonl 20)");
  expect(run.stdout).toMatch(/tokens: about \d+, trained on \d+/);
  expect(run.stdout).toMatch(/< 64 {2}#{40} 20\n/);
  expect(run.stdout).toContain("0 errors, 1 warning");
});

it("names the line of what is wrong, and exits with 1 for errors", async () => {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, "mine.jsonl"), row("2 + 2?", "4") + row("3 + 3?", " "));
  const run = await runInProcess(["validate", "mine.jsonl"], { cwd });
  expect(run.exitCode).toBe(ExitCode.failed);
  expect(run.stdout).toContain("- emptyCompletion (1): ");
  expect(run.stdout).toContain("mine.jsonl:2");
});

it("gives the report as JSON, and takes the method, the length and the batch", async () => {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, "mine.jsonl"), Array.from({ length: 30 }, (_, n) => row(`${n} + 2?`, `${n + 2}`)).join(""));
  const options = ["--max-length", "5", "--batch-size", "2", "--method", "sft"];
  const run = await runInProcess(["validate", "mine.jsonl", ...options, "--json"], { cwd });
  expect(run.exitCode).toBe(ExitCode.failed);
  expect(JSON.parse(run.stdout)).toMatchObject({
    status: "errors",
    method: "sft",
    rows: 30,
    files: [{ name: "mine.jsonl", part: "train", rows: 30 }],
    tokens: { max_length: 5, rows: 30, truncated: 30, truncated_share: 1, histogram: [{ below: 64, rows: 30 }] },
    labels: null,
  });
});

it("does not take a path that is not there, or a tokenizer that is none", async () => {
  const cwd = temporaryFolder();
  expect(await runInProcess(["validate", "nowhere"], { cwd })).toMatchObject({
    exitCode: ExitCode.failed,
    stderr: expect.stringContaining("does not exist"),
  });
  writeFileSync(join(cwd, "mine.jsonl"), row("2 + 2?", "4"));
  const run = await runInProcess(["validate", "mine.jsonl", "--tokenizer", "."], { cwd });
  expect(run.exitCode).toBe(ExitCode.usage);
  expect(run.stderr).toContain("no tokenizer.json");
});
