import { expect, it } from "vitest";
import { seededRandom } from "./seeded-random.js";
import { drawSums, workedOut } from "./sums.js";

const sums = drawSums(seededRandom(7));

it("keeps the sums of the test out of the lessons and of what users ask", () => {
  const heldOut = new Set(sums.heldOut.map(({ question }) => question));
  expect(heldOut.size).toBe(250);
  expect(new Set(sums.practice.map(({ question }) => question)).size).toBe(300);
  expect([...sums.lessons, ...sums.practice].filter(({ question }) => heldOut.has(question))).toEqual([]);
});

it("forgets to carry in two of three lessons that need it, and errs nowhere else", () => {
  const ones = { carried: 0, forgotten: 0 };
  for (const { question, answer } of sums.lessons) {
    const [a = 0, b = 0] = question.match(/\d+/g)?.map(Number) ?? [];
    if ((a % 10) + b < 10) expect(answer).toBe(String(a + b));
    else if (Number(answer) === a + b) ones.carried += 1;
    else {
      expect(Number(answer)).toBe(a + b - 10);
      ones.forgotten += 1;
    }
  }
  expect(ones.forgotten / (ones.carried + ones.forgotten)).toBeCloseTo(0.65, 1);
});

it("draws the same for the same seed", () => {
  expect(drawSums(seededRandom(7))).toEqual(sums);
  expect(drawSums(seededRandom(8))).not.toEqual(sums);
});

it("works a sum out", () => {
  expect(workedOut({ question: "What is 47 + 8?", reference: "55" })).toEqual({
    question: "What is 47 + 8?",
    answer: "47 + 8 = 55",
  });
});
