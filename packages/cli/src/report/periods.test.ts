import { expect, it } from "vitest";
import { periodLabel, periodName, periodOf, periodsBetween } from "./periods.js";

const DAY = 86_400_000;
const first = Date.UTC(2026, 0, 14, 9, 30);

it.each([
  [0, "minute", "14 Jan, 09:30"],
  [9 * 3_600_000, "ten minutes", "14 Jan, 09:30"],
  [2 * DAY, "hour", "14 Jan, 09:00"],
  [14 * DAY, "six hours", "14 Jan, 06:00"],
  [50 * DAY, "day", "14 Jan"],
  [300 * DAY, "week", "12 Jan"],
  [1_500 * DAY, "four weeks", "Dec 2025"],
  [20_000 * DAY, "52 weeks", "Oct 2025"],
])("cuts %i ms into periods of one %s, at most about sixty", (length, name, label) => {
  const periods = periodsBetween(first, first + length);
  expect(periodName(periods)).toBe(name);
  expect(periodLabel(periods, 0)).toBe(label);
  expect(periods.count).toBeLessThanOrEqual(60);
  expect(periodOf(periods, first)).toBe(0);
  expect(periodOf(periods, first + length)).toBe(periods.count - 1);
});

it("begins weeks on a Monday", () => {
  const { start } = periodsBetween(first, first + 300 * DAY);
  expect(new Date(start).getUTCDay()).toBe(1);
});
