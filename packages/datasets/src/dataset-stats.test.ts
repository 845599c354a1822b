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

it("says how many prompts have something to learn from", async () => {
  const store = await storeOf([
    interaction({ query: "a", answer: "1", overall: 1 }),
    interaction({ query: "a", answer: "2", overall: 0.9 }),
    interaction({ query: "b", answer: "1", overall: 1 }),
    interaction({ query: "b", answer: "2", overall: 1 }),
    interaction({ query: "c", overall: 0.2 }),
    interaction({ query: "d" }),
  ]);
  expect((await datasetStats(store)).signal).toEqual({ prompts: 3, withSignal: 1, share: 1 / 3 });
  expect((await datasetStats(await storeOf([]))).signal).toEqual({ prompts: 0, withSignal: 0, share: 0 });
});

it("tells what every rule leaves, and with the texts read what a build would say", async () => {
  const store = await storeOf([
    interaction({ query: "a", answer: "right", overall: 1 }),
    interaction({ query: "a", answer: "wrong", overall: 0 }),
    interaction({ query: "b", answer: "</s>", overall: 1 }),
    interaction({ query: "c", answer: "x", overall: 0.5 }),
    interaction({ query: "d", errorOccurred: true }),
  ]);
  const { rowsAfterRules } = await datasetStats(store, { groupSize: 2 });
  expect(rowsAfterRules).toEqual({
    sft: [
      { rule: "considered", left: 5 },
      { rule: "error", left: 4 },
      { rule: "belowMinQuality", left: 2 },
    ],
    dpo: [
      { rule: "considered", left: 5 },
      { rule: "error", left: 4 },
      { rule: "prompts", left: 3 },
      { rule: "singleAnswer", left: 1 },
    ],
    grpo: [
      { rule: "considered", left: 5 },
      { rule: "error", left: 4 },
      { rule: "prompts", left: 3 },
      { rule: "groupTooSmall", left: 1 },
    ],
  });
  const read = await datasetStats(store, { groupSize: 2, readTexts: true });
  expect(read.rowsAfterRules.sft).toEqual([...rowsAfterRules.sft, { rule: "controlTokens", left: 1 }]);
  expect(read.rowsAfterRules.dpo).toEqual(rowsAfterRules.dpo);
});

it("knows how large a gain a test of that size can show", async () => {
  const records = Array.from({ length: 1000 }, (_, i) => interaction({ query: `q${i}`, overall: i % 2 }));
  const store = await storeOf(records);
  // (1.96 + 0.84) · √(2 · 0.25 / 100): a test of 100 prompts at a rate of one half shows some 20 points.
  expect((await datasetStats(store)).testPower).toEqual({ testShare: 0.1, prompts: 100, detectableGain: 0.198 });
  expect((await datasetStats(store, { testShare: 0.4 })).testPower).toMatchObject({
    prompts: 400,
    detectableGain: 0.099,
  });
  expect((await datasetStats(await storeOf([]))).testPower).toMatchObject({ prompts: 0, detectableGain: null });
  await expect(datasetStats(store, { testShare: 2 })).rejects.toThrow(/testShare is 2/);
});

it("recommends a method by what there is of it", async () => {
  const method = async (records: readonly Parameters<typeof interaction>[0][]) =>
    (await datasetStats(await storeOf(records.map(interaction)))).recommended;
  const each = (count: number, ...scores: number[]) =>
    Array.from({ length: count }, (_, i) =>
      scores.map((overall, k) => ({ query: `q${i}`, answer: `${k}`, overall })),
    ).flat();
  const singles = (count: number, overall: number) =>
    Array.from({ length: count }, (_, i) => ({ query: `${overall} ${i}`, overall }));
  expect(await method([])).toMatchObject({ method: null });
  expect(await method(each(100, 1, 0))).toMatchObject({
    method: "sft",
    reason: expect.stringMatching(/followed by DPO/),
  });
  expect(await method(each(100, 0.7, 0))).toMatchObject({ method: "dpo" });
  expect(await method([...singles(100, 1), ...singles(100, 0)])).toMatchObject({
    method: "kto",
    reason: expect.stringMatching(/100 wanted and 100 unwanted answers/),
  });
  expect(await method(singles(100, 1))).toMatchObject({ method: "sft" });
  expect(await method(each(100, 0.7, 0.65, 0.6, 0.55))).toMatchObject({ method: "grpo" });
});
