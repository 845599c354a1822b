import { describe, expect, it } from "vitest";
import { calculate } from "./calculator.js";

describe("calculate", () => {
  it.each([
    ["0.1 + 0.2", "0.3"],
    ["1/3 + 1/6", "0.5"],
    ["3/4 + 1/6", "11/12"],
    ["80 * 15%", "12"],
    ["1.05 ^ 3", "1.157625"],
    ["sqrt(225)", "15"],
    ["round(10 / 3, 2)", "3.33"],
    ["ceil(100 / 12)", "9"],
    ["lcm(12, 18)", "36"],
    ["10 ^ 20", "100000000000000000000"],
  ])("works out %s as %s", (expression, result) => {
    expect(calculate(expression)).toBe(result);
  });

  it.each([
    ["x = 3", "not arithmetic: x = 3"],
    ["f(x) = x", "not arithmetic"],
    ["import(1)", "unknown name: import"],
    ["10 km to m", "unknown name: km"],
    ["[1, 2]", "not arithmetic"],
    ['"a"', "the result is not a number"],
    ["1 / 0", "Division by Zero"],
    ["2 +", "Unexpected end of expression"],
    ["", "there is nothing to work out"],
  ])("refuses %s and says why", (expression, reason) => {
    expect(() => calculate(expression)).toThrow(reason);
  });

  it("refuses what is too long to be one step", () => {
    expect(() => calculate("1+".repeat(200))).toThrow("longer than 300 characters");
  });

  it("answers towers of powers at once instead of working them out digit by digit", () => {
    expect(() => calculate("9^9^9^9")).toThrow("the result is not a number");
    expect(() => calculate("(9^60)^60")).toThrow("the result is not a number");
  });
});
