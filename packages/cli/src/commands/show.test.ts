import { join } from "node:path";
import { type Annotation, fileStore } from "@whetstone/core";
import { describe, expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { NOW, runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

const said: readonly Annotation[] = [
  {
    interactionId: "a",
    kind: "score",
    source: "judge:m@math-v1",
    at: NOW + 1,
    scores: { correctness: 0.4, overall: 0.4 },
    rationale: "a step is missing",
    usage: { inputTokens: 100, outputTokens: 20, costUsd: 0.0021 },
  },
  {
    interactionId: "a",
    kind: "unscored",
    source: "judge:n@math-v1",
    at: NOW + 2,
    code: "SCORING_UNPARSABLE",
    reason: "the judge's reply is no verdict",
  },
  { interactionId: "a", kind: "score", source: "verifier:math", at: NOW + 3, scores: { overall: 1 } },
  {
    interactionId: "a",
    kind: "feedback",
    source: "human:ada",
    at: NOW + 4,
    feedback: { type: "demonstration", value: "6 times 7:\n42" },
  },
];

async function store(...annotations: readonly Annotation[]) {
  const cwd = temporaryFolder();
  await recorded(
    cwd,
    interaction({
      interactionId: "a",
      answer: "So:\n  42\u001b[2J",
      reference: "42",
      qualityScores: { overall: 0.2 },
      sources: [{ id: "1", title: "Tables" }],
    }),
  );
  const opened = fileStore(join(cwd, ".whetstone"));
  await opened.annotate(annotations);
  await opened.close();
  return cwd;
}

describe("show", () => {
  it("shows the record, everything said of it in order of time, and whose word counts", async () => {
    const run = await runInProcess(["show", "a"], { cwd: await store(...said) });
    expect(run).toMatchObject({ exitCode: ExitCode.done, stderr: "" });
    expect(run.stdout).toBe(`a
2026-02-01T12:00:00.000Z · math · 12 ms

QUERY
  What is 6 times 7?

ANSWER
  So:
    42[2J

REFERENCE
  42

SOURCES
  1 Tables

SCORE
  1.00 by verifier:math

SAID OF IT
  2026-02-01T12:00:00.001Z judge:m@math-v1 0.40 ($0.0021)
    a step is missing
  2026-02-01T12:00:00.002Z judge:n@math-v1 no score: SCORING_UNPARSABLE
    the judge's reply is no verdict
  2026-02-01T12:00:00.003Z verifier:math 1.00
  2026-02-01T12:00:00.004Z human:ada demonstration
    6 times 7:
    42
`);
  });

  it("says which source decides as people, verifiers and judges speak up", async () => {
    const sources: unknown[] = [];
    const rating = { type: "rating", value: 0.5 } as const;
    const human: Annotation = { interactionId: "a", kind: "feedback", source: "human:ada", at: 1, feedback: rating };
    for (const annotations of [[], said.slice(0, 2), said, [...said, human]]) {
      const { effective } = await runJson<{ effective: unknown }>(["show", "a"], { cwd: await store(...annotations) });
      sources.push(effective);
    }
    expect(sources).toMatchObject([
      { source: "logged", overall: 0.2 },
      { source: "judge:m@math-v1", overall: 0.4 },
      { source: "verifier:math", overall: 1 },
      { source: "human:ada", overall: 0.5 },
    ]);
  });

  it("prints the whole record with --json, in the names of the REST API", async () => {
    const shown = await runJson(["show", "a"], { cwd: await store(...said) });
    expect(shown).toMatchObject({
      interaction_id: "a",
      annotations: [
        { source: "judge:m@math-v1", usage: { input_tokens: 100, cost_usd: 0.0021 } },
        { kind: "unscored", code: "SCORING_UNPARSABLE" },
        {},
        {},
      ],
      effective: { overall: 1, source: "verifier:math" },
    });
  });

  it("fails for an unknown interaction", async () => {
    const run = await runInProcess(["show", "b"], { cwd: await store() });
    expect(run).toEqual({
      exitCode: ExitCode.failed,
      stdout: "",
      stderr: "whetstone: no interaction b is in the store\n",
    });
  });
});

describe("query --unscored --reason", () => {
  const failed = (interactionId: string, code: string, reason: string): Annotation => ({
    interactionId,
    kind: "unscored",
    source: "judge:m@r",
    at: NOW,
    code,
    reason,
  });

  async function quarantined() {
    const cwd = temporaryFolder();
    await recorded(cwd, ...["a", "b", "c", "d"].map((interactionId) => interaction({ interactionId })));
    const opened = fileStore(join(cwd, ".whetstone"));
    await opened.annotate([
      failed("a", "SCORING_UNAVAILABLE", "answered 429"),
      failed("b", "SCORING_QUARANTINED", "the answer speaks to a grader"),
      // Scored after all: not in question any more.
      failed("c", "SCORING_QUARANTINED", "the answer speaks to a grader"),
      { interactionId: "c", kind: "score", source: "human:ada", at: NOW, scores: { overall: 1 } },
    ]);
    await opened.close();
    return cwd;
  }

  it.each([
    [["--reason"], ["a", "b"]],
    [["--reason", "quarantined"], ["b"]],
    [["--reason", "429"], ["a"]],
    [["--reason", "nothing"], []],
    [["--reason", "--limit", "1"], ["a"]],
  ])("%j", async (options, ids) => {
    const cwd = await quarantined();
    const run = await runInProcess(["query", "--unscored", "--order", "asc", ...options, "--json"], { cwd });
    const found = run.stdout.split("\n").filter(Boolean);
    expect(found.map((line) => JSON.parse(line).interaction_id)).toEqual(ids);
  });

  it("shows ids and reasons as a table", async () => {
    const run = await runInProcess(["query", "--unscored", "--reason", "--limit", "1"], { cwd: await quarantined() });
    expect(run.stdout).toMatch(
      /AGENT +ID +QUERY +REASON\n.+b +What is 6 times 7\? +SCORING_QUARANTINED judge:m@r.+\n\nmore:/,
    );
  });

  it("is wrong usage without --unscored", async () => {
    const run = await runInProcess(["query", "--reason"], { cwd: await quarantined() });
    expect(run).toMatchObject({ exitCode: ExitCode.usage });
  });
});
