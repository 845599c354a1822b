import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { NOW, runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

/** Three prompts with a good, a fair and a bad answer each, one with equal answers only, one unscored. */
async function store() {
  const cwd = temporaryFolder();
  const scores = [0.95, 0.6, 0.1];
  await recorded(
    cwd,
    ...["p", "q", "r"].flatMap((query, prompt) =>
      scores.map((overall, i) =>
        interaction({
          interactionId: `${query}${i}`,
          timestamp: NOW - (10 * prompt + i) * 86_400_000,
          query,
          answer: `${query} answer ${i}`,
          agentType: prompt === 2 ? "code" : "math",
          qualityScores: { overall },
        }),
      ),
    ),
    ...[0, 1, 2].map((i) =>
      interaction({ interactionId: `s${i}`, query: "s", answer: `s ${i}`, qualityScores: { overall: 0.5 } }),
    ),
    interaction({ interactionId: "t", query: "t" }),
  );
  return cwd;
}

const rowsOf = (path: string) =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("dataset sft", () => {
  it("writes the good answers and says what was left out", async () => {
    const cwd = await store();
    const report = await runJson(["dataset", "sft"], { cwd });
    expect(report).toMatchObject({
      kind: "sft",
      rows: 3,
      path: join(cwd, "datasets", "sft.jsonl"),
      considered: 13,
      used: 3,
      drops: { below_min_quality: 9, unscored: 1 },
      score_sources: { logged: 3 },
    });
    const rows = rowsOf(join(cwd, "datasets", "sft.jsonl"));
    expect(rows.map(({ messages }) => messages.at(-1))).toEqual(
      ["r answer 0", "q answer 0", "p answer 0"].map((content) =>
        expect.objectContaining({ role: "assistant", content }),
      ),
    );
  });

  it("passes its options on", async () => {
    const cwd = await store();
    const select = ["--min-quality", "0.5", "--agent-type", "math", "--days-back", "5", "--max-samples", "4"];
    const report = await runJson(["dataset", "sft", ...select, "--mode", "prompt-completion", "--out", "x.jsonl"], {
      cwd,
    });
    expect(report).toMatchObject({ rows: 4, path: join(cwd, "x.jsonl") });
    expect(Object.keys(rowsOf(join(cwd, "x.jsonl"))[0])).toEqual(["prompt", "completion", "metadata"]);
  });

  it("writes a folder with a card, and a test part where asked", async () => {
    const cwd = await store();
    await runJson(["dataset", "sft", "--out", "data", "--min-quality", "0.1", "--test-share", "0.5"], { cwd });
    expect(readdirSync(join(cwd, "data")).sort()).toEqual(["README.md", "manifest.json", "test.jsonl", "train.jsonl"]);
  });
});

describe("dataset dpo", () => {
  it("pairs the best with the worst answer of a prompt", async () => {
    const cwd = await store();
    const report = await runJson(["dataset", "dpo"], { cwd });
    expect(report).toMatchObject({ kind: "dpo", rows: 3, prompts: 4, drops: { gap_too_small: 1, unscored: 1 } });
    const [row] = rowsOf(join(cwd, "datasets", "dpo.jsonl"));
    expect(row.metadata).toMatchObject({ chosen_score: 0.95, rejected_score: 0.1, quality_diff: 0.85 });
  });

  it("passes its options on", async () => {
    const cwd = await store();
    expect(await runJson(["dataset", "dpo", "--max-pairs", "2"], { cwd })).toMatchObject({ rows: 2 });
    const run = await runInProcess(["dataset", "dpo", "--min-quality-diff", "0.9", "--overwrite"], { cwd });
    expect(run.exitCode).toBe(ExitCode.failed);
  });
});

describe("dataset grpo", () => {
  it("groups answers, and counts the groups that teach nothing", async () => {
    const cwd = await store();
    const report = await runJson(["dataset", "grpo", "--group-size", "3", "--max-groups", "2"], { cwd });
    expect(report).toMatchObject({ kind: "grpo", rows: 2, drops: { zero_variance: 1, over_limit: 1, unscored: 1 } });
  });
});

it("tells people the same in a few lines", async () => {
  const cwd = await store();
  const run = await runInProcess(["dataset", "dpo"], { cwd });
  expect(run).toEqual({
    exitCode: ExitCode.done,
    stdout:
      "3 dpo rows from 13 interactions\nleft out: 1 unscored\n" +
      "of 4 prompts: 1 with a score gap below minQualityDiff\n" +
      `written to ${join(cwd, "datasets", "dpo.jsonl")}\n`,
    stderr: "",
  });
});

it("without a single row is a failure that says why, and writes nothing", async () => {
  const cwd = await store();
  const run = await runInProcess(["dataset", "sft", "--min-quality", "1"], { cwd });
  expect(run.exitCode).toBe(ExitCode.failed);
  expect(run.stderr).toMatch(/^whetstone: nothing to write to .+: 0 sft rows from 13 interactions; left out: .+\n$/);
  expect(existsSync(join(cwd, "datasets", "sft.jsonl"))).toBe(false);
});

it("replaces a file only with --overwrite", async () => {
  const cwd = await store();
  mkdirSync(join(cwd, "datasets"));
  writeFileSync(join(cwd, "datasets", "sft.jsonl"), "mine");
  const refused = await runInProcess(["dataset", "sft"], { cwd });
  expect(refused.exitCode).toBe(ExitCode.failed);
  expect(refused.stderr).toMatch(/is there already: add --overwrite to replace it, or name another --out\n$/);
  expect(readFileSync(join(cwd, "datasets", "sft.jsonl"), "utf8")).toBe("mine");
  expect(await runJson(["dataset", "sft", "--overwrite"], { cwd })).toMatchObject({ rows: 3 });
  expect(readdirSync(join(cwd, "datasets"))).toEqual(["sft.jsonl"]);
});

it.each(["sft.jsonl", "sft"])("speaks of --overwrite where %s is there already", async (name) => {
  const cwd = await store();
  const path = join(cwd, name);
  await runJson(["dataset", "sft", "--out", name], { cwd });
  const refused = await runInProcess(["dataset", "sft", "--out", name], { cwd });
  expect(refused).toEqual({
    exitCode: ExitCode.failed,
    stdout: "",
    stderr: `whetstone: ${path} is there already: add --overwrite to replace it, or name another --out\n`,
  });
  expect(await runJson(["dataset", "sft", "--out", name, "--overwrite"], { cwd })).toMatchObject({ rows: 3 });
});

it("speaks of --overwrite where a link to a file is in the way", async () => {
  const cwd = await store();
  writeFileSync(join(cwd, "mine"), "mine");
  symlinkSync(join(cwd, "mine"), join(cwd, "link.jsonl"));
  const refused = await runInProcess(["dataset", "sft", "--out", "link.jsonl"], { cwd });
  expect(refused.stderr).toMatch(/is there already: add --overwrite to replace it, or name another --out\n$/);
});

it("never removes a folder that holds anything else, and does not advise --overwrite", async () => {
  const cwd = await store();
  mkdirSync(join(cwd, "proj", "src"), { recursive: true });
  writeFileSync(join(cwd, "proj", "manifest.json"), '{"manifest_version":3}');
  for (const options of [["--overwrite"], []]) {
    const run = await runInProcess(["dataset", "sft", "--out", "proj", ...options], { cwd });
    expect(run.exitCode).toBe(ExitCode.failed);
    expect(run.stderr).toBe(
      `whetstone: ${join(cwd, "proj")} holds a manifest.json that no build wrote: choose another path\n`,
    );
  }
  expect(readdirSync(join(cwd, "proj")).sort()).toEqual(["manifest.json", "src"]);
});

it.each([
  [["--out", "x.JSONL"], /x\.JSONL" looks like another kind of file: end the name in \.jsonl/],
  [["--out", "x.txt"], /x\.txt" looks like another kind of file: end the name in \.jsonl/],
  [["--out", ""], /--out is empty: name a \.jsonl file or a folder/],
  [["--test-share", "0.1"], /--test-share needs a folder: name one with --out/],
  [["--out", "set", "--test-share", "1"], /--test-share is 1: give a number between 0 and 1/],
])("%j is wrong usage", async (options, sentence) => {
  const cwd = await store();
  const run = await runInProcess(["dataset", "sft", ...options], { cwd });
  expect(run.exitCode).toBe(ExitCode.usage);
  expect(run.stderr).toMatch(sentence);
  expect(readdirSync(cwd)).toEqual([".whetstone"]);
});

it("counts one interaction in the singular", async () => {
  const cwd = temporaryFolder();
  await recorded(cwd, interaction({ qualityScores: { overall: 0.1 } }));
  const run = await runInProcess(["dataset", "sft"], { cwd });
  expect(run.stderr).toContain("0 sft rows from 1 interaction; left out: 1 below");
});

it("leaves nothing behind when it is interrupted", async () => {
  const cwd = await store();
  const signal = AbortSignal.abort("SIGINT");
  const run = await runInProcess(["dataset", "sft"], { cwd, signal });
  expect(run).toEqual({ exitCode: ExitCode.interrupted, stdout: "", stderr: "whetstone: interrupted\n" });
  expect(existsSync(join(cwd, "datasets")) ? readdirSync(join(cwd, "datasets")) : []).toEqual([]);
});
