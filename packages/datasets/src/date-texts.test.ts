import { expect, it } from "vitest";
import { dateTexts } from "./date-texts.js";

const COLUMNS = [
  ["prompt", "list of json"],
  ["reference", "string"],
] as const;

function typeOf(references: readonly (string | null)[]): unknown {
  const texts = dateTexts(COLUMNS);
  for (const reference of references) texts.add([JSON.stringify({ prompt: [], reference })]);
  return Object.fromEntries(texts.settled()).reference;
}

it("declares a column with dates as JSON, for Arrow would take its texts for times", () => {
  expect(typeOf(["2026-01-31", null, "2026-01-31T08:00:00Z", "2026-01-31 08:00"])).toBe("json");
  expect(typeOf([null, null, "2026-01-31"])).toBe("json");
  // A small test part may hold the dates alone.
  expect(typeOf(["2026-01-31", "2026-02-01", "soon"])).toBe("json");
});

it("leaves a column alone that holds no date, or texts that would be read as JSON", () => {
  expect(typeOf(["soon", "later"])).toBe("string");
  expect(typeOf([null])).toBe("string");
  for (const text of ["42", " -1.5", "true", "null", "NaN", '"quoted"', '{"day": 1}', "2026-01-312"]) {
    expect(typeOf(["2026-01-31", text])).toBe("string");
    expect(typeOf([text, "2026-01-31"])).toBe("string");
  }
});
