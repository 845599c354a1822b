import { expect, it } from "vitest";
import { pairedDifference } from "./paired-difference.js";

/** So many problems that were right both times, only after, only before, and never. */
function answers(both: number, gained: number, lost: number, neither: number) {
  const rows = [
    ...Array.from({ length: both }, () => [true, true] as const),
    ...Array.from({ length: gained }, () => [false, true] as const),
    ...Array.from({ length: lost }, () => [true, false] as const),
    ...Array.from({ length: neither }, () => [false, false] as const),
  ];
  return pairedDifference(
    rows.map(([before]) => before),
    rows.map(([, after]) => after),
  );
}

it("gives the interval that Newcombe printed for his example", () => {
  const { before, after, difference, interval } = answers(36, 12, 2, 0);
  expect([before, after]).toEqual([0.76, 0.96]);
  expect(difference).toBeCloseTo(0.2, 10);
  expect(interval.map((end) => end.toFixed(4))).toEqual(["0.0569", "0.3404"]);
});

it("has zero in the middle when as many were gained as lost", () => {
  const { interval } = answers(20, 5, 5, 20);
  expect(interval[0]).toBeLessThan(0);
  expect(interval[0] + interval[1]).toBeCloseTo(0, 10);
});

it("refuses what cannot be compared", () => {
  expect(() => pairedDifference([], [])).toThrow("nothing to compare");
  expect(() => pairedDifference([true], [true, false])).toThrow("1 problems before, 2 after");
});
