import type { InteractionStore } from "@whetstone/core";
import { expect, it } from "vitest";
import { candidateSlices, fetchRecords } from "./fetch-records.js";
import { interaction, storeOf } from "./recorded.fixture.js";

it("puts every record at the place of its ref, asking the store in the order of its handles", async () => {
  const records = Array.from({ length: 30 }, (_, i) => interaction({ query: `q${i}` }));
  const store = await storeOf(records);
  const asked: number[][] = [];
  const listening: InteractionStore = {
    ...store,
    fetch(refs) {
      asked.push(Array.from(refs));
      return store.fetch(Array.from(refs).filter((ref) => ref !== 11));
    },
  };
  const refs = [7, 29, 11, 0, 7, 12];
  const found = await fetchRecords(listening, Float64Array.from(refs));
  expect(found.map((record) => record?.interaction.query)).toEqual(["q7", "q29", undefined, "q0", "q7", "q12"]);
  expect(asked[0]).toEqual([0, 7, 7, 11, 12, 29]);
  expect(await fetchRecords(listening, new Float64Array(0))).toEqual([]);
});

it("cuts all candidates into slices from the oldest on", () => {
  expect([...candidateSlices(5, 2, () => Infinity)]).toEqual([
    [0, 2],
    [2, 4],
    [4, 5],
  ]);
});

it("tries the newest first when fewer rows are wanted, and goes back for what failed", () => {
  let wanted = 3;
  const slices: (readonly [number, number])[] = [];
  for (const slice of candidateSlices(9, 2, () => wanted)) {
    slices.push(slice);
    if (slices.length <= 2)
      wanted -= 1; // one row of each slice so far was good
    else wanted = 0;
  }
  expect(slices).toEqual([
    [6, 8],
    [8, 9],
    [5, 6],
  ]);
});
