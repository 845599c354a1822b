import { evaluate } from "mathjs";
import { describe, expect, it } from "vitest";
import { calculate } from "./calculator.js";
import { tasks } from "./tasks.js";

describe("the tasks", () => {
  it("are some hundred and fifty, each asked once", () => {
    expect(tasks.length).toBeGreaterThanOrEqual(100);
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(tasks.length);
    expect(new Set(tasks.map(({ question }) => question)).size).toBe(tasks.length);
  });

  it.each(tasks)("$id has the answer that its working comes to", ({ reference, worked }) => {
    expect(evaluate(worked)).toBeCloseTo(evaluate(reference), 9);
    expect(calculate(reference)).not.toBe("");
  });
});
