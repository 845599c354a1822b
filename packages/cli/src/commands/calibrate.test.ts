import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileStore } from "@whetstone/core";
import { describe, expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

const DATA = process.env.WHETSTONE_REAL_DATA ?? new URL("../../../../../shared/data", import.meta.url).pathname;
const PANDA_LM = [`${DATA}/pandalm-testset.json`, `${DATA}/pandalm-gpt35-verdicts.json`] as const;
const absent = PANDA_LM.find((path) => !existsSync(path));
const missing = absent ? ` (skipped: ${absent} is not there)` : "";

/** Sixty answers that people have judged; the stored judge differs in every sixth, mathVerifier never. */
async function judged(): Promise<string> {
  const cwd = temporaryFolder();
  const ids = Array.from({ length: 60 }, (_, i) => `a${i}`);
  await recorded(
    cwd,
    ...ids.map((interactionId, i) => interaction({ interactionId, answer: String(40 + (i % 2)), reference: "41" })),
  );
  const store = fileStore(join(cwd, ".whetstone"));
  for (const [i, interactionId] of ids.entries()) {
    const isGood = i % 2 === 1;
    await store.annotate([
      { interactionId, kind: "feedback", source: "human:ann", at: 1, feedback: { type: "boolean", value: isGood } },
      {
        interactionId,
        kind: "score",
        source: "judge:m@r",
        at: 1,
        scores: { overall: isGood !== (i % 6 === 0) ? 0.9 : 0.2 },
      },
    ]);
  }
  await store.close();
  return cwd;
}

describe("whetstone calibrate", () => {
  it("compares stored scores with people's feedback, and keeps the result for stats", async () => {
    const cwd = await judged();
    const found = await runJson(["calibrate", "--source", "judge:m@r"], { cwd });
    expect(found).toMatchObject({
      source: "judge:m@r",
      labelled: 60,
      parsable: 60,
      unparsable_rate: 0,
      swap_flip_rate: null,
    });
    expect(found.agreement).toBeCloseTo(5 / 6, 10);
    const stats = await runInProcess(["stats"], { cwd });
    expect(stats.stdout).toMatch(/SCORER +KAPPA .+\njudge:m@r +0\.667 \[0\.\d{3}, 0\.\d{3}\] +0\.833 +60 +good/);
    expect(await runJson(["stats"], { cwd })).toMatchObject({ calibrations: [{ source: "judge:m@r", labelled: 60 }] });
  });

  it("asks a scorer about what people have judged", async () => {
    const cwd = await judged();
    expect(await runJson(["calibrate", "--scorer", "math", "--no-save"], { cwd })).toMatchObject({
      source: "verifier:math",
      agreement: 1,
      kappa: 1,
    });
    expect(await runJson(["stats"], { cwd })).not.toHaveProperty("calibrations");
  });

  it("fails when the interval of kappa does not lie above what is required", async () => {
    const cwd = await judged();
    const source = ["calibrate", "--source", "judge:m@r"];
    expect((await runInProcess([...source, "--require", "0.3"], { cwd })).exitCode).toBe(ExitCode.done);
    const run = await runInProcess([...source, "--require", "0.9"], { cwd });
    expect(run).toMatchObject({ exitCode: ExitCode.failed, stderr: "the interval of kappa does not lie above 0.9\n" });
    expect(run.stdout).toContain("Verdict: good");
  });

  it("opens the way for builds that require it", async () => {
    const cwd = await judged();
    await recorded(cwd, interaction({ interactionId: "judged-only", query: "What is 2 times 3?", answer: "6" }));
    const store = fileStore(join(cwd, ".whetstone"));
    await store.annotate([
      { interactionId: "judged-only", kind: "score", source: "judge:m@r", at: 1, scores: { overall: 0.9 } },
    ]);
    await store.close();
    const sft = ["dataset", "sft", "--out", "sft.jsonl", "--overwrite", "--require-calibration", "0.3"];
    expect(await runJson(sft, { cwd })).toMatchObject({ rows: 1, drops: { uncalibrated: 1 } });
    await runJson(["calibrate", "--source", "judge:m@r"], { cwd });
    expect(await runJson(sft, { cwd })).toMatchObject({ rows: 2, score_sources: { "human:ann": 1, "judge:m@r": 1 } });
  });

  it("reads labels and verdicts of one JSONL file, as scores or as words", async () => {
    const cwd = temporaryFolder();
    const write = (name: string, rows: readonly object[]) =>
      writeFileSync(join(cwd, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    write(
      "scores.jsonl",
      Array.from({ length: 10 }, (_, i) => ({ human: i % 2 === 0, judge: i % 2 === 0 ? 0.8 : "0.1" })),
    );
    write(
      "words.jsonl",
      Array.from({ length: 10 }, (_, i) => ({ human: i % 2 ? "good" : "bad", judge: i % 3 ? "good" : "??" })),
    );
    const from = (name: string) => [
      "calibrate",
      "--source",
      "judge:a",
      "--labels",
      name,
      "--label",
      "human",
      "--verdict",
      "judge",
    ];
    expect(await runJson(from("scores.jsonl"), { cwd })).toMatchObject({ labelled: 10, parsable: 10, kappa: 1 });
    expect(await runJson(from("words.jsonl"), { cwd })).toMatchObject({
      labelled: 10,
      parsable: 6,
      unparsable_rate: 0.4,
    });
  });

  it.each([
    [[], "name what is to be calibrated: --source, --scorer or --labels"],
    [
      ["--labels", "a", "--scorer", "math"],
      "--labels and --scorer exclude each other: verdicts are there, or asked for",
    ],
    [["--labels", "a"], "--source is missing: name the scorer that the verdicts are of"],
    [["--scorer", "judge"], "--model is missing: name the model that judges"],
    [
      ["--source", "judge:nobody"],
      "there is nothing to compare for judge:nobody: no label has a verdict that can be read",
    ],
  ])("%j is wrong usage", async (options, sentence) => {
    const run = await runInProcess(["calibrate", ...options], { cwd: await judged() });
    expect(run).toEqual({ exitCode: ExitCode.usage, stdout: "", stderr: `whetstone: ${sentence}\n` });
  });

  it.skipIf(absent)(`finds the known figures in the files of PandaLM${missing}`, async () => {
    const cwd = temporaryFolder();
    const people = [
      "--labels",
      PANDA_LM[0],
      "--label",
      "annotator1,annotator2,annotator3",
      "--pairs",
      "response1,response2",
    ];
    const verdicts = ["--verdicts", PANDA_LM[1], "--verdict", "gpt_result", "--key", "idx"];
    const args = ["calibrate", "--source", "judge:gpt-3.5-turbo@pandalm", ...people, ...verdicts];
    const { stdout, exitCode } = await runInProcess(args, { cwd });
    console.log(stdout);
    expect(exitCode).toBe(ExitCode.done);
    expect(stdout).toMatch(/agreement +0\.716\n +kappa +0\.493 \[/);
    expect(stdout).toContain("agreement 0.698, kappa 0.476");
    expect(stdout).toContain("kappa 0.852, 0.879, 0.862");
    expect(stdout).toContain("against 999 labels");
    expect((await runInProcess(["stats"], { cwd })).stdout).toContain("judge:gpt-3.5-turbo@pandalm");
  });
});
