import { InvalidArgumentError } from "commander";
import { describe, expect, it } from "vitest";
import { fraction, list, pointInTime, wholeNumber } from "./option-values.js";

const NOW = Date.UTC(2026, 1, 1, 12);

describe("pointInTime", () => {
  const read = pointInTime(() => NOW);

  it.each([
    ["2026-01-31", "2026-01-31T00:00:00.000Z"],
    ["2026-01-31T08:30", "2026-01-31T08:30:00.000Z"],
    ["2026-01-31T08:30:15.5Z", "2026-01-31T08:30:15.500Z"],
    ["2026-01-31T08:30+02:00", "2026-01-31T06:30:00.000Z"],
    ["90m", "2026-02-01T10:30:00.000Z"],
    ["36h", "2026-01-31T00:00:00.000Z"],
    ["7d", "2026-01-25T12:00:00.000Z"],
    ["2w", "2026-01-18T12:00:00.000Z"],
  ])("reads %s", (text, iso) => {
    expect(new Date(read(text)).toISOString()).toBe(iso);
  });

  it.each(["", "yesterday", "7", "-7d", "2026-13-01", "2026-01-31T25:00", "1e3d", "Jan 1 2026"])(
    "refuses %j",
    (text) => {
      expect(() => read(text)).toThrow(InvalidArgumentError);
    },
  );
});

describe("wholeNumber", () => {
  it("reads digits from the least value on", () => {
    expect(wholeNumber(1)("20")).toBe(20);
    expect(wholeNumber(0)("0")).toBe(0);
  });

  it.each(["0", "-1", "1.5", "1e3", "0x10", "", " 5", "abc", "99999999999999999999"])("refuses %j", (text) => {
    expect(() => wholeNumber(1)(text)).toThrow(InvalidArgumentError);
  });
});

describe("wholeNumber with an end", () => {
  it("reads up to it, and names it when there is more", () => {
    expect(wholeNumber(1, 5_000)("5000")).toBe(5_000);
    expect(() => wholeNumber(1, 5_000)("5001")).toThrow("Give a whole number from 1 to 5,000.");
  });
});

describe("fraction", () => {
  it.each(["0", "1", "0.85", ".5"])("reads %s", (text) => {
    expect(fraction(text)).toBe(Number(text));
  });

  it.each(["1.1", "-0.1", "NaN", "Infinity", "", " ", "high"])("refuses %j", (text) => {
    expect(() => fraction(text)).toThrow(InvalidArgumentError);
  });
});

describe("list", () => {
  it("collects repeated options and commas", () => {
    expect(list("code, rag", ["math"])).toEqual(["math", "code", "rag"]);
  });

  it("refuses nothing at all", () => {
    expect(() => list(" , ")).toThrow(InvalidArgumentError);
  });
});
