import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { interactionSchema } from "../interaction.js";
import { finalAnswer } from "./final-answer.js";
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

  it.each([
    ["The answer is not 12.", "12", 0],
    ["3 * 4 = 12\nThe answer is not 12.", "12", 0],
    ["It isn't 12.", "12", 0],
    ["12 is not the answer.", "12", 0],
    ["The answer is 12. No, it is not 12.", "12", 0],
    ["Answer: not 12", "12", 0],
    ["The total != 12", "12", 0],
    ["The answer is not 12, it is 13.", "13", 1],
    ["The answer is not 12, it is 13.", "12", 0],
    ["I get 13, not 12.", "13", 1],
    ["The answer is 13, not 12.", "13", 1],
    ["A: 18\nMind that it is not 26.", "18", 1],
    ["A: 12\nI am not 12 years old.", "12", 1],
    ["The answer is 12. This is not 12 times as much.", "12", 1],
    ["The answer is neither 10 nor 12.", "12", 0],
    ["The answer isn't 13; it's 12.", "12", 1],
    ["The answer is 1,234 not 1,235", "1234", 1],
  ])("takes no denied number for the answer: %j against %j is %d", async (answer, reference, reward) => {
    expect((await verify(answer, reference))?.scores.overall).toBe(reward);
  });

  it.each([
    ["Between 10 and 12", "12", 0],
    ["Between 10 and 12", "10", 0],
    ["The answer is between 10 and 12.", "12", 0],
    ["The answer is 10 to 12.", "10", 0],
    ["It takes 10 to 12 days.", "12", 0],
    ["It is either 10 or 12.", "12", 0],
    ["The answer is 10 or 12.", "10", 0],
    ["Between 10 and 12", "between 10 and 12", 1],
    ["x is 4 or -4", "-4, 4", 1],
    ["The price rose from 10 to 12.", "12", 1],
    ["It went up by 2 to 12.", "12", 1],
    ["The difference between 10 and 12 is 2.", "2", 1],
  ])("takes a range or a choice for no single result: %j against %j is %d", async (answer, reference, reward) => {
    expect((await verify(answer, reference))?.scores.overall).toBe(reward);
  });

  it.each([
    ["The answer is 13. Wait, no, it is 12.", "12", 1],
    ["The answer is 13. Wait, no, it is 12.", "13", 0],
    ["\\boxed{13}\nSorry, that should be 12.", "12", 1],
    ["A: 13\nNo, 12.", "12", 1],
    ["A: 13\n\nEdit: 12", "12", 1],
    ["Answer: 13 (actually 12)", "12", 1],
    ["The answer is 13. I made a mistake; it should be 12.", "12", 1],
    [`The answer is 13. Sorry,${" ".repeat(183)}it is 120.`, "12", 0],
    ["The answer is 13. Hmm, wait. Let me do it again. 3 * 4 = 12. So it is 12.", "12", 1],
    ["The answer is 18. Wait, let me check. That is 16 - 7. It is 9. Times 2 is 18.", "18", 1],
    ["The answer is 13. Actually, it's 3 dozen, so 36.", "36", 1],
    ["The answer is 13. No, it is not 13, it is 12.", "12", 1],
    ["The answer is 13. Wait, no, it is 12. Actually, 13 was right after all.", "13", 1],
    ["The answer is 18. Wait, let me check: 16 - 7 = 9, times 2. Yes.", "18", 1],
    ["The answer is 18. Wait, 5 eggs cost 10 dollars, that fits.", "18", 1],
    ["The answer is 13. Wait, no, it is 12. The answer is 14.", "14", 1],
  ])("lets a later correction win: %j against %j is %d", async (answer, reference, reward) => {
    expect((await verify(answer, reference))?.scores.overall).toBe(reward);
  });

  it.each([
    ["It takes 2 hours 30 minutes", "2.5 hours", 1],
    ["It takes her 2 hours and 30 minutes in all.", "150 minutes", 1],
    ["The answer is 2 hours and 30 minutes in all.", "2.5 hours", 1],
    ["It takes 1 day, 2 hours and 30 minutes.", "26.5 hours", 1],
    ["It takes 90 minutes.", "1.5 hours", 1],
    ["It takes 90 minutes.", "90 hours", 0],
    ["She needs 12 in total.", "12 hours", 1],
    ["They raised $3 million in the end.", "3,000,000", 1],
    ["There are 18 apples.", "18 oranges", 1],
  ])(
    "reads units of measure, and no other nouns, in a sentence: %j against %j is %d",
    async (answer, reference, reward) => {
      expect((await verify(answer, reference))?.scores.overall).toBe(reward);
    },
  );

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
          for (const reference of [String(ground_truth), finalAnswer(String(ground_truth)) ?? ""]) {
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
