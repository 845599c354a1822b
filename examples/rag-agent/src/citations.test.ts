import { expect, it } from "vitest";
import { citationQuality } from "./citations.js";

const sources = ["Soak the stone for ten minutes.", "Oil keeps rust away."];

it.each([
  ["Oil keeps rust away [2].", 1],
  ["Soak the stone [1]. Oil keeps rust away [2].", 1],
  ["Soak the stone for ten minutes [1], then oil keeps rust away [2].", 1],
  ["Soak the stone. [1] Oil keeps rust away. [2]", 1],
  ["Soak the stone [2]. Oil keeps rust away [2].", 0.5],
  ["Soak the stone [1]. Oil keeps rust away.", 0.5],
  ["Soak the stone for ten minutes.", 0],
  ["Oil keeps rust away [3].", 0],
  ["Buy a new knife every year [1].", 0],
])("says of %j that %d of its sentences are backed by what they cite", (answer, quality) => {
  expect(citationQuality(answer, sources)).toBe(quality);
});

it.each(["", "[1]", "It is."])("cannot say of %j, which claims nothing", (answer) => {
  expect(citationQuality(answer, sources)).toBeNull();
});
