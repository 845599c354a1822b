import { expect, it } from "vitest";
import { datasetStats } from "./dataset-stats.js";
import { buildDpoDataset } from "./dpo.js";
import { buildGrpoDataset } from "./grpo.js";
import { collect, interaction, START, storeOf } from "./recorded.fixture.js";
import { buildSftDataset } from "./sft.js";

const recorded = () =>
  storeOf(
    Array.from({ length: 600 }, (_, i) =>
      interaction({
        query: `q${i % 120}`,
        answer: `${i}`,
        agentType: i % 120 < 70 ? "math" : "code",
        errorOccurred: i % 11 === 0,
        ...(i % 13 === 0 ? {} : { overall: ((i * 7 + Math.floor(i / 120)) % 10) / 10 }),
      }),
    ),
  );

it("counts what the builders then make", async () => {
  const store = await recorded();
  const { potentialDatasets, ...stats } = await datasetStats(store);
  expect(potentialDatasets).toEqual({
    sftSamples: (await collect(buildSftDataset(store))).length,
    dpoPairs: (await collect(buildDpoDataset(store))).length,
    grpoGroups: (await collect(buildGrpoDataset(store))).length,
  });
  expect(Object.values(potentialDatasets).every((count) => count > 0)).toBe(true);
  const { totalInteractions, highQualityCount, errorCount, unscoredCount } = await store.stats();
  expect(stats).toMatchObject({ totalInteractions, highQualityCount, errorCount, unscoredCount });
  expect(stats.agentCounts).toEqual({ code: 250, math: 350 });
});

it("follows the thresholds and the time it is given", async () => {
  const store = await storeOf([
    interaction({ overall: 0.6, timestamp: START }),
    interaction({ overall: 0.5, timestamp: START }),
    interaction({ overall: 0.1, timestamp: START - 9e9 }),
  ]);
  const options = { daysBack: 1, now: START + 1, minQuality: 0.6, minQualityDiff: 0.1, groupSize: 2 };
  expect(await datasetStats(store, options)).toMatchObject({
    totalInteractions: 2,
    potentialDatasets: { sftSamples: 1, dpoPairs: 1, grpoGroups: 1 },
  });
});

it("recommends the next step", async () => {
  const recommended = async (...scores: (number | undefined)[]) => {
    const records = scores.map((overall, i) =>
      interaction({ query: `q${i >> 1}`, answer: `${i}`, ...(overall === undefined ? {} : { overall }) }),
    );
    return (await datasetStats(await storeOf(records))).recommendation;
  };
  const repeat = (count: number, ...scores: number[]) => Array.from({ length: count }, () => scores).flat();
  expect(await recommended()).toMatch(/Nothing was recorded/);
  expect(await recommended(undefined, undefined)).toMatch(/None of the 2 interactions is scored/);
  expect(await recommended(1, undefined, undefined, undefined)).toMatch(/3 of 4 interactions are unscored/);
  expect(await recommended(1, 0)).toMatch(/Too little yet \(1 SFT samples, 1 DPO pairs and 0 GRPO groups\)/);
  expect(await recommended(...repeat(100, 1, 0))).toMatch(/SFT followed by DPO/);
  expect(await recommended(...repeat(100, 0.7, 0))).toMatch(/Enough pairs for DPO/);
  expect(await recommended(...repeat(100, 1, 1))).toMatch(/Enough for SFT/);
});

it("names the option that is wrong", async () => {
  const store = await storeOf([]);
  await expect(datasetStats(store, { minQuality: 2 })).rejects.toThrow(/minQuality is 2/);
  await expect(datasetStats(store, { groupSize: 0 })).rejects.toThrow(/groupSize is 0/);
});
