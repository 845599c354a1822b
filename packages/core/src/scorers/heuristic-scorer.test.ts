import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { Interaction } from "../interaction.js";
import { interaction } from "../testing/interaction.js";
import { heuristicScorer } from "./heuristic-scorer.js";

const DATA = process.env.WHETSTONE_REAL_DATA ?? new URL("../../../../../shared/data", import.meta.url).pathname;
const GSM8K = `${DATA}/gsm8k-solutions.jsonl`;

const judge = heuristicScorer();
const defect = async (given: Partial<Interaction>) => (await judge(interaction(given), {}))?.rationale ?? null;
const ofAnswer = (answer: string) => defect({ answer });

it("speaks as heuristic:v1", () => {
  expect(judge.source).toBe("heuristic:v1");
});

it("never calls an answer good: what shows no defect it cannot say", async () => {
  for (const answer of ["120", "B", "∞", "👍", "no", "A: 18", "It is 6 * 20 = 120.", "```js\nf()\n```"]) {
    expect(await ofAnswer(answer)).toBeNull();
  }
});

it("scores every defect below 0.5", async () => {
  const score = await judge(interaction({ answer: "I'm sorry, but I can't help with that." }), {});
  expect(score?.scores.overall).toBe(0.2);
});

it.each([
  "",
  "  \n",
  ":",
  "...",
  "```\n```",
  "Solution",
  "**Solution:**",
  "Thought process:",
  "Let's think step by step.",
])("finds that %j says nothing", async (answer) => {
  expect(await ofAnswer(answer)).toBe("the answer is empty or says nothing");
});

it("finds an error", async () => {
  expect(await defect({ errorOccurred: true, answer: "120" })).toBe("the agent ended in an error");
});

it.each([
  "I'm sorry, but I can't help with that request.",
  "I’m sorry, I am unable to answer this.",
  "I cannot assist with that.",
  "As an AI language model, I don't have opinions.",
  "Unfortunately, I am not able to access that file.",
])("finds the refusal in %j", async (answer) => {
  expect(await ofAnswer(answer)).toBe("the agent refused to answer");
});

it.each([
  "You can't divide by zero, so the expression is undefined.",
  "I cannot overstate how simple this is: the answer is 120.",
  "Sorry for the delay: it is 120.",
])("takes no part of an answer for a refusal: %j", async (answer) => {
  expect(await ofAnswer(answer)).toBeNull();
});

it("finds what is cut off", async () => {
  const long =
    "The first step is to multiply both sides. ".repeat(2) + "Then one divides what is left by the factor. ".repeat(3);
  for (const answer of [`${long} and after that the`, `${long} which gives x =`, "```python\nprint(1)"]) {
    expect(await ofAnswer(answer)).toBe("the answer is cut off");
  }
  expect(await defect({ answer: "120 is", metadata: { finish_reason: "length" } })).toBe("the answer is cut off");
});

it("finds endless repetition", async () => {
  const sentence = "I will now compute the sum of the numbers again to be certain. ";
  for (const answer of [`1/11 = 0.${"09".repeat(200)}`, sentence.repeat(30)]) {
    expect(await ofAnswer(answer)).toBe("the answer repeats itself");
  }
});

it.skipIf(!existsSync(GSM8K))(
  "faults none of the 1,392 right answers of gsm8k-solutions.jsonl (skipped where ../shared/data is absent)",
  async () => {
    const faulted: string[] = [];
    let right = 0;
    let caught = 0;
    for (const line of readFileSync(GSM8K, "utf8").trimEnd().split("\n")) {
      for (const value of Object.values(JSON.parse(line) as Record<string, unknown>)) {
        if (typeof value !== "object" || value === null) continue;
        const { solution, is_correct } = value as { solution: string; is_correct: boolean };
        const found = await ofAnswer(solution);
        right += Number(is_correct);
        if (is_correct && found) faulted.push(`${found}: ${solution}`);
        if (!is_correct && found) caught += 1;
      }
    }
    expect(faulted).toEqual([]);
    expect(right).toBe(1392);
    expect(caught).toBeGreaterThanOrEqual(4);
  },
);
