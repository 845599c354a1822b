import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { interactionSchema } from "../interaction.js";
import { extractFinalAnswer } from "./final-answer.js";
import { mathVerifier } from "./math-verifier.js";

const DATA = process.env.WHETSTONE_REAL_DATA ?? new URL("../../../../../shared/data", import.meta.url).pathname;
const GSM8K = `${DATA}/gsm8k-solutions.jsonl`;

describe("mathVerifier", () => {
  it("speaks as verifier:math", () => {
    expect(mathVerifier().source).toBe("verifier:math");
  });

  it("scores a right result 1 and a wrong one 0, and says why", async () => {
    expect(await verify("2 * 9 = 18\nA: 18", "$18.00")).toEqual({
      scores: { overall: 1, correctness: 1 },
      rationale: "18 equals $18.00",
    });
    expect(await verify("A: 26", "18")).toEqual({ scores: { overall: 0, correctness: 0 }, rationale: "26 is not 18" });
  });

  it("cannot say without a reference", async () => {
    expect(await verify("A: 18", undefined)).toBeNull();
    expect(await verify("A: 18", "  ")).toBeNull();
  });

  it("scores an answer without a result 0", async () => {
    const score = await verify("I am not able to work this out, sorry.", "18");
    expect(score).toEqual({ scores: { overall: 0, correctness: 0 }, rationale: "no final answer found, expected 18" });
  });

  it("reads the reference's own final answer", async () => {
    expect((await verify("so 18", "16 - 3 - 4 = 9\n9 * 2 = 18\n#### 18"))?.scores.overall).toBe(1);
  });

  it("cannot say of expressions when mathjs is not installed, but still compares numbers", async () => {
    vi.resetModules();
    vi.doMock("mathjs/number", () => {
      throw new Error("Cannot find package 'mathjs'");
    });
    const { mathVerifier: withoutMathjs } = await import("./math-verifier.js");
    expect(await withoutMathjs()(interaction("A: 2(x+1)", "2x+2"), {})).toBeNull();
    expect((await withoutMathjs()(interaction("A: 1/2", "0.5"), {}))?.scores.overall).toBe(1);
    vi.doUnmock("mathjs/number");
    vi.resetModules();
  });

  it.skipIf(!existsSync(GSM8K))(
    "agrees with is_correct on all 3,600 answers of gsm8k-solutions.jsonl (skipped where ../shared/data is absent)",
    async () => {
      const judge = mathVerifier();
      const disagreements: string[] = [];
      let [answers, right] = [0, 0];
      for (const line of readFileSync(GSM8K, "utf8").trimEnd().split("\n")) {
        const { question, ground_truth, ...models } = JSON.parse(line) as Record<string, unknown>;
        for (const [model, { solution, is_correct }] of Object.entries(models as Record<string, ModelAnswer>)) {
          answers += 1;
          // The whole worked solution and its bare result are both usual as a reference.
          for (const reference of [String(ground_truth), extractFinalAnswer(String(ground_truth)) ?? ""]) {
            const score = await judge(interaction(solution, reference), {});
            if (score?.scores.overall === 1 && reference === ground_truth) right += 1;
            if (score?.scores.overall !== Number(is_correct)) disagreements.push(`${model}: ${question}`);
          }
        }
      }
      expect(disagreements).toEqual([]);
      expect({ answers, right }).toEqual({ answers: 3600, right: 1392 });
    },
    60_000,
  );
});

interface ModelAnswer {
  readonly solution: string;
  readonly is_correct: boolean;
}

function verify(answer: string, reference: string | undefined) {
  return mathVerifier()(interaction(answer, reference), {});
}

function interaction(answer: string, reference: string | undefined) {
  return interactionSchema.parse({
    interactionId: "m-1",
    timestamp: 0,
    query: "How much?",
    answer,
    agentType: "math",
    qualityScores: {},
    latencyMs: 0,
    toolsUsed: [],
    errorOccurred: false,
    reference,
  });
}
