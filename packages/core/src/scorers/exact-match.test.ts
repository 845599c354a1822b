import { expect, it } from "vitest";
import { interaction } from "../testing/interaction.js";
import { type ExactMatchOptions, exactMatch } from "./exact-match.js";

const score = async (answer: string, reference: string | undefined, options?: ExactMatchOptions) =>
  (await exactMatch(options)(interaction({ answer, reference }), {}))?.scores.overall ?? null;

it("speaks as verifier:exact", () => {
  expect(exactMatch().source).toBe("verifier:exact");
});

it("scores the reference itself 1, whatever its white space and Unicode form, and everything else 0", async () => {
  expect(await score("  Bern \n", "Bern")).toBe(1);
  expect(await score("cafe\u0301", "café")).toBe(1);
  expect(await score("Berne", "Bern")).toBe(0);
  expect(await score("", "Bern")).toBe(0);
});

it("heeds letter case unless told otherwise", async () => {
  expect(await score("bern", "Bern")).toBe(0);
  expect(await score("bern", "Bern", { caseSensitive: false })).toBe(1);
});

it("compares what the caller's own normalisation leaves", async () => {
  expect(await score("Bern!", "Bern", { normalise: (text) => text.replace(/\W/g, "") })).toBe(1);
});

it("cannot say without a reference", async () => {
  expect(await score("Bern", undefined)).toBeNull();
});

it("cannot say without a reference, or with an empty one", async () => {
  for (const reference of [undefined, "", " \n"]) {
    expect(await exactMatch()(interaction({ answer: "", reference }), {})).toBeNull();
  }
});
