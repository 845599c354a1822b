import { expect, it } from "vitest";
import { ConfigError } from "../errors.js";
import { type Score, type Scorer, scorer } from "../scorer.js";
import { interaction } from "../testing/interaction.js";
import { compose } from "./compose.js";
import { mathVerifier } from "./math-verifier.js";

const says = (source: string, score: Score | null) => scorer(source, () => score);
const half = says("judge:m@r", { scores: { overall: 0.5, clarity: 1 }, rationale: "so so" });
const silent = says("verifier:none", null);
const full = says("heuristic:h", { scores: { overall: 1 } });

it("lets the first that can say decide, and asks nobody after it", async () => {
  const never = scorer("judge:never@r", () => {
    throw new Error("asked");
  });
  const first = compose({ scorers: [silent, mathVerifier(), never] });
  expect((await first(interaction({ answer: "A: 120", reference: "120" }), {}))?.scores.overall).toBe(1);
  await expect(first(interaction({ answer: "A: 120" }), {})).rejects.toThrow("asked");
});

it("takes the mean or the lowest of those that can say", async () => {
  const parts = [silent, half, full];
  expect(await compose({ scorers: parts, policy: "mean" })(interaction(), {})).toEqual({
    scores: { overall: 0.75, clarity: 1 },
    rationale: "so so",
  });
  expect((await compose({ scorers: parts, policy: "min" })(interaction(), {}))?.scores.overall).toBe(0.5);
});

it("cannot say when none of its parts can", async () => {
  for (const policy of ["first", "mean", "min"] as const) {
    expect(await compose({ scorers: [silent, silent], policy })(interaction(), {})).toBeNull();
  }
});

it("ranks no higher than its weakest part", () => {
  expect(compose({ scorers: [mathVerifier(), half] }).source).toBe("judge:first(verifier:math, judge:m@r)");
  expect(compose({ scorers: [mathVerifier(), full], policy: "min" }).source).toMatch(/^heuristic:min/);
  expect(compose({ scorers: [half], source: "judge:mine" }).source).toBe("judge:mine");
});

it("refuses an empty list", () => {
  expect(() => compose({ scorers: [] })).toThrow(ConfigError);
});

it("estimates what its parts would take: of a chain the first that calls a model, else all of them", async () => {
  const priced = (costUsd: number | null): Scorer =>
    Object.assign(says("judge:m@r", null), {
      estimate: () => ({ calls: 1, inputTokens: 100, outputTokens: 10, costUsd }),
    });
  const estimateOf = (policy: "first" | "min", ...scorers: readonly Scorer[]) =>
    compose({ scorers, policy }).estimate?.(stored);
  const stored = interaction();
  const once = { calls: 1, inputTokens: 100, outputTokens: 10, costUsd: 2 };
  expect(await estimateOf("first", silent, priced(2), priced(3))).toEqual(once);
  expect(await estimateOf("min", priced(2), silent, priced(3))).toEqual({
    calls: 2,
    inputTokens: 200,
    outputTokens: 20,
    costUsd: 5,
  });
  expect((await estimateOf("min", priced(2), priced(null)))?.costUsd).toBeNull();
  expect(compose({ scorers: [silent, full] }).estimate).toBeUndefined();
});
