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

  it("says how many rows each part has", async () => {
    const cwd = await store();
    const split = ["--min-quality", "0.1", "--test-share", "0.5"];
    const { stdout } = await runInProcess(["dataset", "sft", "--out", "data", ...split], { cwd });
    const [train, test] = ["train", "test"].map((part) => rowsOf(join(cwd, "data", `${part}.jsonl`)).length);
    expect(stdout).toMatch(new RegExp(`train\\.jsonl has ${train} rows?, test\\.jsonl has ${test} rows?\\n$`));
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

describe("dataset grpo --online", () => {
  it("gives each prompt once, scored or not", async () => {
    const cwd = await store();
    expect(await runJson(["dataset", "grpo", "--online"], { cwd })).toMatchObject({ kind: "grpo-online", rows: 5 });
    expect(Object.keys(rowsOf(join(cwd, "datasets", "grpo.jsonl"))[0])).toEqual(["prompt", "reference", "metadata"]);
    const none = await runInProcess(["dataset", "grpo", "--online", "--require-reference", "--overwrite"], { cwd });
    expect(none.stderr).toContain("of 5 prompts: 5 without a reference");
  });
});

describe("dataset kto and reward", () => {
  it("mark answers, and give pairs a margin", async () => {
    const cwd = await store();
    expect(await runJson(["dataset", "kto", "--max-quality", "0.6"], { cwd })).toMatchObject({ kind: "kto", rows: 12 });
    expect(rowsOf(join(cwd, "datasets", "kto.jsonl")).filter(({ label }) => label)).toHaveLength(3);
    const pairs = ["dataset", "reward", "--pairing", "all", "--max-pairs-per-prompt", "2"];
    expect(await runJson(pairs, { cwd })).toMatchObject({ kind: "reward", rows: 6 });
    expect(rowsOf(join(cwd, "datasets", "reward.jsonl")).map(({ margin }) => margin)).toContain(0.5);
  });
});

it("takes the options of the rules", async () => {
  const cwd = await store();
  writeFileSync(join(cwd, "eval.jsonl"), '{"question": "p"}\n');
  const rules = ["--decontaminate", "eval.jsonl", "--max-per-user", "none", "--max-per-session", "5"];
  const report = await runJson(["dataset", "dpo", ...rules, "--max-similar-answers", "3"], { cwd });
  expect(report).toMatchObject({ rows: 2, drops: { contaminated: 2, single_answer: 1 } });
  const escaped = ["dataset", "sft", "--control-tokens", "escape", "--per-turn", "--min-quality", "0"];
  expect(await runJson(escaped, { cwd })).toMatchObject({ rows: 12 });
});

it("writes a folder for each agent type, or a mix of them", async () => {
  const cwd = await store();
  const each = await runJson(["dataset", "sft", "--per-agent", "--out", "agents"], { cwd });
  expect(each).toMatchObject({ datasets: { code: { rows: 1 }, math: { rows: 2 } }, empty: {} });
  expect(readdirSync(join(cwd, "agents")).sort()).toEqual(["code", "math"]);
  const told = await runInProcess(["dataset", "sft", "--per-agent", "--out", "agents", "--overwrite"], { cwd });
  expect(told.stdout).toMatch(/^code:\n1 sft row from 3 interactions\n/);
  const mix = await runJson(["dataset", "sft", "--min-quality", "0.1", "--mix", "math=2,code=1", "--out", "mix"], {
    cwd,
  });
  expect(mix).toMatchObject({ kind: "sft", rows: 11, considered: 13 });
});

it("compares two datasets", async () => {
  const cwd = await store();
  await runJson(["dataset", "sft", "--out", "a"], { cwd });
  await runJson(["dataset", "sft", "--out", "b", "--min-quality", "0.6", "--agent-type", "math"], { cwd });
  expect(await runJson(["dataset", "diff", "a", "b"], { cwd })).toMatchObject({
    options: { min_quality: { a: 0.8, b: 0.6 }, agent_types: { a: null, b: ["math"] } },
    same: 2,
    added: { min_quality: 2 },
    removed: { agent_types: 1 },
  });
  const told = await runInProcess(["dataset", "diff", "a", "b", "--ask"], { cwd });
  expect(told.stdout).toContain("3 rows before, 4 rows after, 2 of them the same\n");
  expect(told.stdout).toContain("added: 2\n  2 below the other's min_quality\n");
  expect(told.stdout).toContain("  removed r0: of an agent type that the other does not take\n");
  const wrong = await runInProcess(["dataset", "diff", "a", "none"], { cwd });
  expect(wrong).toMatchObject({ exitCode: ExitCode.failed, stdout: "" });
});

it("says with its exit code that some interactions could not be read", async () => {
  const cwd = await store();
  const [day = ""] = readdirSync(join(cwd, ".whetstone")).filter((name) => /^\d{4}/.test(name));
  const name = readdirSync(join(cwd, ".whetstone", day)).find((file) => /^w.*ndjson$/.test(file)) ?? "";
  const segment = join(cwd, ".whetstone", day, name);
  writeFileSync(segment, readFileSync(segment, "utf8").replace('"query":"', '"que\0y":"'));
  const run = await runInProcess(["dataset", "sft", "--min-quality", "0", "--out", "x.jsonl"], { cwd });
  expect(run.exitCode).toBe(ExitCode.partly);
  expect(run.stdout).toMatch(/left out: .*1 that are deleted or damaged by now/);
  expect(rowsOf(join(cwd, "x.jsonl"))).toHaveLength(11);
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
  [["--per-agent"], /--per-agent needs a folder: name one with --out/],
  [["--per-agent", "--mix", "a=1,b=1", "--out", "set"], /--mix makes one dataset and --per-agent many/],
  [["--agent-type", "math", "--mix", "a=1,b=1"], /--mix names the agent types already/],
  [["--mix", "math"], /Give two agent types or more with a weight above 0 each, such as math=3,code=1/],
  [["--max-per-user", "some"], /Give a whole number from 1 on, or "none"/],
  [["--per-turn", "--mode", "messages"], /perTurn makes prompt-completion rows/],
  [["--out", "set", "--test-share", "1"], /--test-share is 1: give a number between 0 and 1/],
])("%j is wrong usage", async (options, sentence) => {
  const cwd = await store();
  const run = await runInProcess(["dataset", "sft", ...options], { cwd });
  expect(run.exitCode).toBe(ExitCode.usage);
  expect(run.stderr).toMatch(sentence);
  expect(readdirSync(cwd)).toEqual([".whetstone"]);
});

it.each([
  [["grpo", "--online", "--group-size", "4"], /--online makes no groups: leave --group-size out/],
  [["grpo", "--max-prompts", "4"], /--max-prompts is for prompts without answers: add --online/],
  [["kto", "--max-quality", "0.9"], /maxQuality is 0.9 and minQuality 0.8/],
  [["dpo", "--max-pairs-per-prompt", "2"], /maxPairsPerPrompt needs pairing "all"/],
])("options that contradict each other are wrong usage: %j", async (options, sentence) => {
  const run = await runInProcess(["dataset", ...options], { cwd: await store() });
  expect(run.exitCode).toBe(ExitCode.usage);
  expect(run.stderr).toMatch(sentence);
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
