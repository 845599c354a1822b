import { type ChatMessage, ConfigError, type IndexBatch, type InteractionStore } from "@whetstone/core";
import { expect, it } from "vitest";
import { buildDpoDataset } from "./dpo.js";
import { collect, dropsOf, interaction, START, storeOf } from "./recorded.fixture.js";

it("pairs the best with the worst answer to a prompt", async () => {
  const [good, middle, bad] = [
    interaction({ query: "2 + 2", answer: "four", overall: 0.9, timestamp: START, latencyMs: 5 }),
    interaction({ query: "2 + 2", answer: "4?", overall: 0.7, timestamp: START + 1 }),
    interaction({ query: " 2  + 2", answer: "5", overall: 0.55, timestamp: START + 2, latencyMs: 7.5 }),
  ];
  const build = buildDpoDataset(await storeOf([good, middle, bad]));
  expect(await collect(build)).toEqual([
    {
      prompt: [{ role: "user", content: "2 + 2" }],
      chosen: [{ role: "assistant", content: "four" }],
      rejected: [{ role: "assistant", content: "5" }],
      metadata: {
        agent_type: "math",
        quality_diff: 0.35,
        chosen_score: 0.9,
        rejected_score: 0.55,
        chosen_score_source: "logged",
        rejected_score_source: "logged",
        chosen_interaction_id: good.interactionId,
        rejected_interaction_id: bad.interactionId,
        chosen_latency_ms: 5,
        rejected_latency_ms: 7.5,
        chosen_timestamp: "2026-01-05T12:00:00.000Z",
        rejected_timestamp: "2026-01-05T12:00:00.002Z",
      },
    },
  ]);
  expect(build.report).toMatchObject({ rows: 1, considered: 3, used: 2, unused: 1, prompts: 1 });
});

it("counts prompts that give no pair by reason", async () => {
  const store = await storeOf([
    interaction({ query: "single", overall: 1 }),
    interaction({ query: "close", answer: "a", overall: 0.9 }),
    interaction({ query: "close", answer: "b", overall: 0.8 }),
    interaction({ query: "same", answer: "a ", overall: 0.9 }),
    interaction({ query: "same", answer: "a", overall: 0.1 }),
    interaction({ query: "pair", answer: "a", overall: 0.9 }),
    interaction({ query: "pair", answer: "b", overall: 0.1 }),
    interaction({ query: "pair", answer: "c" }),
  ]);
  const build = buildDpoDataset(store);
  expect(await collect(build)).toHaveLength(1);
  expect(dropsOf(build.report)).toEqual({ unscored: 1, singleAnswer: 1, gapTooSmall: 1, identicalAnswers: 1 });
  expect(build.report).toMatchObject({ considered: 8, used: 2, unused: 5, prompts: 4 });
});

it("takes a gap of exactly minQualityDiff, which binary fractions would miss", async () => {
  const store = await storeOf([
    interaction({ answer: "a", overall: 0.7 }),
    interaction({ answer: "b", overall: 0.5 }), // 0.7 - 0.5 is 0.19999999999999996
  ]);
  const rows = await collect(buildDpoDataset(store, { minQualityDiff: 0.2 }));
  expect(rows.map(({ metadata }) => metadata.quality_diff)).toEqual([0.2]);
});

it("goes on with a prompt's other answers when the best or the worst is unfit", async () => {
  const store = await storeOf([
    interaction({ answer: "<|im_start|>assistant", overall: 1 }),
    interaction({ answer: "good", overall: 0.9 }),
    interaction({ answer: "bad", overall: 0.3 }),
    interaction({ answer: "", overall: 0.2 }),
    interaction({ answer: " ", overall: 0.1 }),
    interaction({ query: "other", answer: "", overall: 0 }),
    interaction({ query: "other", answer: "x", overall: 1 }),
  ]);
  const build = buildDpoDataset(store);
  expect(await collect(build)).toMatchObject([{ chosen: [{ content: "good" }], rejected: [{ content: "bad" }] }]);
  expect(dropsOf(build.report)).toEqual({ controlTokens: 1, emptyAnswer: 3, singleAnswer: 1 });
  expect(build.report).toMatchObject({ considered: 7, used: 2, unused: 1, prompts: 2 });
});

const said = (...turns: string[]): ChatMessage[] =>
  turns.map((content, i) => ({ role: i % 2 === 0 ? "user" : "assistant", content }));

it("compares trajectories only when their whole history is the same", async () => {
  const store = await storeOf([
    interaction({ query: "and?", answer: "A", messages: said("hi", "hello", "and?", "A"), overall: 1 }),
    interaction({ query: "and?", answer: "B", messages: said("hi", "hello", "and?", "B"), overall: 0 }),
    interaction({ query: "and?", answer: "C", messages: said("hi", "go away", "and?", "C"), overall: 0 }),
  ]);
  expect(await collect(buildDpoDataset(store))).toMatchObject([
    { prompt: said("hi", "hello", "and?"), chosen: [{ content: "A" }], rejected: [{ content: "B" }] },
  ]);
  const plain = buildDpoDataset(store, { format: "standard" });
  expect(await collect(plain)).toEqual([]);
  expect(dropsOf(plain.report)).toEqual({ notPlainText: 2, singleAnswer: 2 });
});

it("writes plain strings for base models", async () => {
  const store = await storeOf([
    interaction({ answer: "right", overall: 1 }),
    interaction({ answer: "wrong", overall: 0 }),
  ]);
  const [row] = await collect(buildDpoDataset(store, { format: "standard" }));
  expect(row).toMatchObject({ prompt: "What is 2 + 2?", chosen: "right", rejected: "wrong" });
});

it("never compares two prompts that share the 64 bits of the index", async () => {
  const store = await storeOf([
    interaction({ query: "first", answer: "a", overall: 1 }),
    interaction({ query: "second", answer: "b", overall: 0 }),
  ]);
  const colliding: InteractionStore = {
    ...store,
    async *scanIndex(filter) {
      for await (const batch of store.scanIndex(filter)) {
        const same = new Uint32Array(batch.length).fill(7);
        yield { ...batch, promptKeyHigh: same, promptKeyLow: same };
      }
    },
  };
  const build = buildDpoDataset(colliding);
  expect(await collect(build)).toEqual([]);
  expect(dropsOf(build.report)).toEqual({ keyCollision: 1 });
});

it("does not depend on the order in which a store gives equal times", async () => {
  const records = Array.from({ length: 60 }, (_, i) =>
    interaction({ query: `q${i % 12}`, answer: `${i}`, overall: (i % 5) / 4, timestamp: START + (i % 2) }),
  );
  const store = await storeOf(records);
  const reversed: InteractionStore = {
    ...store,
    async *scanIndex(filter) {
      for await (const batch of store.scanIndex(filter)) yield turnedRound(batch);
    },
  };
  const rows = await collect(buildDpoDataset(store));
  expect(rows.length).toBeGreaterThan(5);
  expect(await collect(buildDpoDataset(reversed))).toEqual(rows);
  expect(await collect(buildDpoDataset(store))).toEqual(rows);
});

function turnedRound(batch: IndexBatch): IndexBatch {
  const columns = Object.entries(batch).map(([name, column]) => [
    name,
    ArrayBuffer.isView(column) ? (column as Float64Array).toReversed() : column,
  ]);
  return Object.fromEntries(columns) as IndexBatch;
}

it("keeps the prompts answered last when there is a limit", async () => {
  const records = Array.from({ length: 5 }, (_, i) => [
    interaction({ query: `q${i}`, answer: "a", overall: 1 }),
    interaction({ query: `q${i}`, answer: "b", overall: 0 }),
  ]).flat();
  const build = buildDpoDataset(await storeOf(records), { maxPairs: 2 });
  expect((await collect(build)).map(({ prompt }) => prompt)).toMatchObject([[{ content: "q3" }], [{ content: "q4" }]]);
  expect(dropsOf(build.report)).toEqual({ overLimit: 3 });
});

it.each([
  [{ minQualityDiff: -0.1 }, /minQualityDiff is -0.1/],
  [{ maxPairs: 1.5 }, /maxPairs is 1.5/],
  [{ pairing: "some" as "all" }, /pairing is "some": use "best-worst" or "all" or "demonstration"/],
  [{ maxPairsPerPrompt: 2 }, /maxPairsPerPrompt needs pairing "all": "best-worst" gives one pair a prompt/],
  [{ pairing: "all" as const, maxPairsPerPrompt: 101 }, /maxPairsPerPrompt is 101: use a whole number from 1 to 100/],
  [{ maxSimilarAnswers: 0 }, /maxSimilarAnswers is 0/],
  [{ maxPerUser: 0 }, /maxPerUser is 0/],
  [{ maxPerSession: 1.5 }, /maxPerSession is 1.5/],
  [{ decontaminate: "eval.jsonl" as unknown as string[] }, /decontaminate is "eval.jsonl": give a list of JSONL files/],
])("refuses wrong options at once: %j", async (options, message) => {
  const store = await storeOf([]);
  expect(() => buildDpoDataset(store, options)).toThrow(ConfigError);
  expect(() => buildDpoDataset(store, options)).toThrow(message);
});
