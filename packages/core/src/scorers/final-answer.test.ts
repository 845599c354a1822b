import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { finalAnswer } from "./final-answer.js";

const answers: readonly (readonly [string, string | null])[] = [
  ["She makes 9 * 2 = $<<9*2=18>>18 every day.\nA: 18", "18"],
  ["A: 90,000", "90,000"],
  ["A: -1.8 billion", "-1.8 billion"],
  ["some work\n#### 72", "72"],
  ["some work\n#### $1,234.50", "$1,234.50"],
  ["Thus \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"],
  ["Thus $\\boxed{\\text{(B) } {x}^{2}}$, as claimed in 1999.", "\\text{(B) } {x}^{2}"],
  ["\\boxed 7", "7"],
  ["\\fbox{7}", "7"],
  ["First \\boxed{1}, no: \\boxed{2}", "2"],
  ["\\boxed{3} and then a box that never closes \\boxed{4", "3"],
  ["The answer is 18.", "18"],
  ["So the final answer is: **18**.", "18"],
  ["The answer is $18.50. It took 3 steps.", "$18.50"],
  ["the answer is $\\frac{3}{4}$", "\\frac{3}{4}"],
  ["The answer is 5. Wait, the answer is 6.", "6"],
  ["The answer is 18 (16 - 3 + 5).", "18"],
  ["The answer is 18 km.", "18 km"],
  ["**Answer:** 42", "42"],
  ["Final Answer:\n\n42", "42"],
  ["Answer: She makes $18 every day", "$18"],
  ["Answer: x = 5", "5"],
  ["Answer: Tuesday", "Tuesday"],
  ["The answer is Tuesday.", "Tuesday"],
  ["Hence the correct answer is option (C).", "option (C)"],
  ["Answer: x = 4 or x = -4", "x = 4 or x = -4"],
  ["Answer: 7:30 PM", "7:30 PM"],
  ["So they met at 3:45.", "3:45"],
  ["\\boxed{x \\in [0, 1)}", "x \\in [0, 1)"],
  ["\\boxed{10\\sqrt{2} \\text{ cm}}", "10\\sqrt{2} \\text{ cm}"],
  ["\\boxed{Total = 5}", "5"],
  ["x + 3 = 8\nx = 5", "5"],
  ["3 + 4 = 7\n7 * 2 = 14", "14"],
  ["18", "18"],
  [" 1/2 ", "1/2"],
  ["2x + 1", "2x + 1"],
  ["Tuesday", "Tuesday"],
  ["She has 3 cats and 5 dogs, 8 pets in all.", "8"],
  ["It went down by −3.", "−3"],
  ["That makes 1,234 eggs", "1,234"],
  ["1,234 eggs", "1,234 eggs"],
  ["There were 1,234 eggs, so it was a lot of them to carry.", "1,234"],
  ["He ate 1/4 of it in the end, as the story goes on to tell us.", "1/4"],
  ["<think>maybe \\boxed{3}</think>The answer is 4.", "4"],
  ["<think>\\boxed{3}</think>", "3"],
  ["What is 2+2?\nA: 3\nB: 4\nThe answer is B.", "B"],
  ["I do not know how to solve this one.", null],
  ["", null],
  ["   \n ", null],
];

describe("finalAnswer", () => {
  it.each(answers)("finds in %j the answer %j", (text, answer) => {
    expect(finalAnswer(text)).toBe(answer);
  });

  it("never throws and never returns an empty text", () => {
    const pieces = fc.constantFrom(
      "\\boxed{",
      "}",
      "{",
      "####",
      "A:",
      "the answer is ",
      "=",
      "\n",
      "$",
      "5",
      "1,000",
      ".",
      "<<",
      ">>",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((all) => all.join("")),
        ),
        (text) => {
          expect(finalAnswer(text)).not.toBe("");
        },
      ),
      { numRuns: 1000 },
    );
  });

  // Superlinear patterns need minutes for these; the suite's own time limit tells.
  it.each([
    " ",
    "\n",
    "1",
    "1,",
    "9 ",
    "\\boxed{",
    "{",
    "####",
    "A:",
    "A: \n",
    "the answer is ",
    "answer",
    "=",
    "= 1 ",
    "<<",
    "$",
    "*",
    "-",
    "1/",
    "<think>",
    "</think>",
    "\\frac",
    "(",
    ".",
    "1e",
    "a",
    "𝟙",
    "**",
    "1 /",
    "answer is not ",
    "not 1 ",
    "is not 1, it is ",
    "wait, no, ",
    "Wait. It is 1. ",
    "between 1 and ",
    "1 to ",
    "1 hour 2 ",
    "1 hour ",
    "1,111",
  ])("gets through 100 KB of %j", (piece) => {
    const text = piece.repeat(Math.ceil(100_000 / piece.length));
    expect(finalAnswer(text)).not.toBe("");
    expect(finalAnswer(`${text}x`)).not.toBe("");
    expect(finalAnswer(`A: ${text}`)).not.toBe("");
  });
});
