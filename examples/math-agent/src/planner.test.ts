import { describe, expect, it } from "vitest";
import { calculate } from "./calculator.js";
import { fillIn, inOneGo } from "./plan.js";
import { planFor } from "./planner.js";

/** The plan's steps with their results, as one reads them. */
function work(question: string): readonly string[] | null {
  const plan = planFor(question);
  if (!plan) return null;
  const results: string[] = [];
  return plan.steps.map(({ expression }) => {
    const filled = fillIn(expression, results);
    results.push(calculate(filled));
    return `${filled} = ${results.at(-1)}`;
  });
}

describe("planFor", () => {
  it.each([
    // None of these is among the tasks: the planner reads, it does not look up.
    ["Work out 7 * (12 - 5) + 4.", ["12 - 5 = 7", "7 * 7 = 49", "49 + 4 = 53"]],
    ["What is 12.5% of 64?", ["64 * 12.5% = 8"]],
    ["Solve 9y - 4 = 5y + 10 for y.", ["9 - 5 = 4", "10 + 4 = 14", "14 / 4 = 3.5"]],
    ["A scarf costs $32 and is reduced by 25%. What is the new price?", ["32 * 25% = 8", "32 - 8 = 24"]],
    [
      "Oma has 50 buttons. She loses 8, buys 2 boxes of 15 and gives half of them to Tim. How many buttons are left?",
      ["50 - 8 = 42", "2 * 15 = 30", "42 + 30 = 72", "72 * 1/2 = 36", "72 - 36 = 36"],
    ],
    [
      "A plate costs $6.50 and a bowl costs $4. How much change is there from a $50 note for 4 plates and 3 bowls?",
      ["4 * 6.50 = 26", "3 * 4 = 12", "26 + 12 = 38", "50 - 38 = 12"],
    ],
    ["A hose fills 90 litres in 6 minutes. How many litres are that in 8 minutes?", ["90 / 6 = 15", "15 * 8 = 120"]],
    [
      "Share $84 between Kai and Lea in the ratio 3 : 4. How much does Lea get?",
      ["3 + 4 = 7", "84 / 7 = 12", "12 * 4 = 48"],
    ],
  ])("plans %s", (question, steps) => {
    expect(work(question)).toEqual(steps);
  });

  it.each([
    "Why is the sky blue?",
    "What is the capital of France?",
    "A dog has 4 legs. What colour is it?",
    "Mia has 24 stickers and 3/7 luck. How many does she have now?",
    "",
  ])("has no plan for %j", (question) => {
    expect(planFor(question)).toBeNull();
  });
});

describe("inOneGo", () => {
  it("puts the steps together into one expression that means the same", () => {
    const plan = planFor("Multiply the sum of 14 and 11 by 8, then subtract 50.");
    expect(plan && inOneGo(plan)).toBe("((14 + 11) * 8) - 50");
  });
});
