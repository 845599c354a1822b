import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.js";
import { mathEqual } from "./math-verifier.js";

const equal: readonly (readonly [string, string])[] = [
  ["18", "18.0"],
  ["18", "18."],
  ["18", "+18"],
  ["0.5", ".5"],
  ["-5", "−5"],
  ["-$5", "$-5"],
  ["1,234", "1234"],
  ["1 234", "1234"],
  ["1\u202f234,5", "1 234,5"],
  ["1,234,567.5", "1234567.5"],
  ["12,34,567", "1234567"],
  ["1.234,5", "1234.5"],
  ["$18", "18 dollars"],
  ["$18", "18"],
  ["$18.00", "18"],
  ["$18 every day", "18"],
  ["18 dollars per day", "$18"],
  ["50 cents", "$0.50"],
  ["18 km", "18"],
  ["18km", "18 kilometers"],
  ["1.5 hours", "90 minutes"],
  ["5 m", "500 cm"],
  ["2 m^2", "20000 square centimeters"],
  ["60 mph", "60 miles per hour"],
  ["36 km/h", "10 m/s"],
  ["18 eggs", "18 duck eggs"],
  ["18 apples", "18 oranges"],
  ["90°", "90"],
  ["$90^\\circ$", "90 degrees"],
  ["50%", "50"],
  ["50%", "0.5"],
  ["50 percent", "50%"],
  ["50\\%", "50%"],
  ["12.5%", "1/8"],
  ["1/2", "0.5"],
  ["1/2", "2/4"],
  ["\\frac{1}{2}", "1/2"],
  ["\\frac12", "0.5"],
  ["\\dfrac{-3}{4}", "-0.75"],
  ["-\\frac{3}{4}", "-0.75"],
  ["1 1/2", "1.5"],
  ["1\\frac{1}{2}", "3/2"],
  ["2½", "2.5"],
  ["1/3", "0.3333"],
  ["2/3", "0.6667"],
  ["201.9", "201.89999999999998"],
  ["1e3", "1000"],
  ["1.2 × 10^3", "1200"],
  ["1.2 \\times 10^{-3}", "0.0012"],
  ["10^5", "100000"],
  ["3 million", "3,000,000"],
  ["$1.8 billion", "1800000000"],
  ["5k", "5000"],
  ["1{,}234", "1,234"],
  ["\\text{east}", "East"],
  ["(B)", "b"],
  ["x = 5", "5"],
  ["x=5", "x = 5.0"],
  ["2(x+1)", "2x + 2"],
  ["(x+1)^2", "x^2 + 2x + 1"],
  ["x²", "x*x"],
  ["\\sqrt{8}", "2\\sqrt{2}"],
  ["\\frac{\\sqrt{3}}{3}", "1/\\sqrt{3}"],
  ["sin(x)^2 + cos(x)^2", "1"],
  ["xy", "yx + 0"],
  ["\\frac{x+1}{2}", "x/2 + 0.5"],
  ["2\\pi", "pi * 2"],
  ["2^10", "1024"],
  ["5!", "120"],
  ["y = 2x + 1", "y = 1 + 2x"],
  ["2, 3", "3 and 2"],
  ["2, 3", "3, 2"],
  ["{1, 2, 3}", "\\{3, 2, 1\\}"],
  ["(1, 2)", "\\left(1, \\frac{4}{2}\\right)"],
  ["[0, 1)", "[0, 1.0)"],
  ["x \\in [0, 1)", "[0,1)"],
  ["10\\sqrt{2} \\text{ cm}", "10\\sqrt{2}"],
  ["\\dfrac{7}{8}\\text{ cups}", "7/8"],
  ["2 hours 30 minutes", "2.5 hours"],
  ["3 feet 6 inches", "42 in"],
  ["1 day 2 hours 30 minutes", "26.5 hours"],
  ["x = 4 or x = -4", "-4, 4"],
  ["\\pm 4", "4 and -4"],
  ["5 \\pm \\sqrt{2}", "5 - \\sqrt{2}, 5 + \\sqrt{2}"],
  ["2^{3}", "8"],
  ["100°C", "100 degrees"],
  ["f(x) = 2x", "2x"],
  ["option (C)", "C"],
  ["7:30 PM", "7:30 pm"],
];

const different: readonly (readonly [string, string])[] = [
  ["18", "19"],
  ["18", "-18"],
  ["1", "1.01"],
  ["0.33", "1/3"],
  ["3.14", "pi"],
  ["12345678901234567890", "12345678901234567891"],
  ["1234567.50", "1234567.40"],
  ["0.0001", "0.00014"],
  ["50%", "0.5%"],
  ["50%", "5"],
  ["18 km", "18 miles"],
  ["18 km", "18 hours"],
  ["$18", "€18"],
  ["5 minutes", "300"],
  ["60 km/h", "60 mph"],
  ["1.8 billion", "2"],
  ["10 sqrt(2) cm", "10 sqrt(2) m"],
  ["2 hours 30 minutes", "2.5 minutes"],
  ["100°C", "100°F"],
  ["7:30", "7"],
  ["\\pm 4", "4"],
  ["2x", "2"],
  ["2x", "x^2"],
  ["x", "sqrt(x^2)"],
  ["x + 1", "x - 1"],
  ["(1, 2)", "(2, 1)"],
  ["[0, 1]", "(0, 1)"],
  ["1, 2", "1, 2, 3"],
  ["Tuesday", "Monday"],
  ["1e999", "1e998"],
  ["1/0", "2/0"],
  ["", "0"],
  [".", "**"],
];

describe("mathEqual", () => {
  it.each(equal)("holds %s and %s for equal, both ways round", async (a, b) => {
    expect(await mathEqual(a, b)).toBe(true);
    expect(await mathEqual(b, a)).toBe(true);
  });

  it.each(different)("tells %s and %s apart, both ways round", async (a, b) => {
    expect(await mathEqual(a, b)).toBe(false);
    expect(await mathEqual(b, a)).toBe(false);
  });

  it("widens by the tolerance that it is given", async () => {
    expect(await mathEqual("3.14", "pi", { tolerance: 0.001 })).toBe(true);
    expect(await mathEqual("100", "101", { tolerance: 0.01 })).toBe(true);
    expect(await mathEqual("100", "103", { tolerance: 0.01 })).toBe(false);
  });

  it("refuses a tolerance that is no share", async () => {
    await expect(mathEqual("1", "1", { tolerance: Number.NaN })).rejects.toThrow(ConfigError);
    await expect(mathEqual("1", "1", { tolerance: -1 })).rejects.toThrow("tolerance is -1");
  });

  it("never runs what a text asks for", async () => {
    for (const text of [
      'import("fs")',
      "cos.constructor('return process')()",
      "f(x)=x",
      "config({})",
      "a.b",
      "[1;2]",
    ]) {
      expect(await mathEqual(text, "1")).toBe(false);
    }
  });

  it("is reflexive and symmetric for any text", async () => {
    const pieces = fc.constantFrom(
      ..."0123456789.,%$€/^*+-=()[]{}\\ xyeπ½²",
      "\\frac",
      "\\sqrt",
      " km",
      " hours",
      "and ",
    );
    const answers = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 12 }).map((all) => all.join("")),
    );
    await fc.assert(
      fc.asyncProperty(answers, answers, async (a, b) => {
        expect(await mathEqual(a, a)).toBe(true);
        expect(await mathEqual(a, b)).toBe(await mathEqual(b, a));
      }),
      { numRuns: 500 },
    );
  });

  it("agrees with arithmetic on numbers, however they are written", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: -1e9, max: 1e9 }), async (a, b) => {
        expect(await mathEqual(String(a), b.toLocaleString("en-US"))).toBe(a === b);
        expect(await mathEqual(`${a}.00`, `$${a.toLocaleString("en-US")}`)).toBe(true);
        if (b > 0) expect(await mathEqual(`\\frac{${a}}{${b}}`, `${2 * a}/${2 * b}`)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
