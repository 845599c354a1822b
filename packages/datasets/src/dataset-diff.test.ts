import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "@whetstone/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { diffDatasets } from "./dataset-diff.js";
import { buildDpoDataset } from "./dpo.js";
import { interaction, START, storeOf } from "./recorded.fixture.js";
import { buildSftDataset } from "./sft.js";
import { writeDataset } from "./write-dataset.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "whetstone-diff-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);
const record = (name: string, overall: number, agentType = "math", timestamp = START) =>
  interaction({ interactionId: name, query: `about ${name}`, answer: name, overall, agentType, timestamp });
const recorded = [record("a", 1), record("b", 0.85), record("c", 1, "code"), record("d", 0.9)];

it("says that two builds of the same store with the same options are the same", async () => {
  const store = await storeOf(recorded);
  for (const name of ["a", "b"]) await writeDataset(buildSftDataset(store), at(name));
  expect(await diffDatasets(at("a"), at("b"))).toEqual({
    a: { path: at("a"), rows: 4 },
    b: { path: at("b"), rows: 4 },
    options: {},
    same: 4,
    changed: {},
    added: {},
    removed: {},
    moved: 0,
    examples: [],
  });
});

it("tells which option removed what, and which rows are newer", async () => {
  await writeDataset(buildSftDataset(await storeOf(recorded)), at("before"));
  const later = await storeOf([...recorded, record("e", 1, "math", START + 9e6)]);
  await writeDataset(buildSftDataset(later, { minQuality: 0.9, agentTypes: ["math"] }), at("after"));
  const diff = await diffDatasets(at("before"), at("after"));
  expect(diff).toMatchObject({
    options: { min_quality: { a: 0.8, b: 0.9 }, agent_types: { a: null, b: ["math"] } },
    same: 2,
    added: { outsideTime: 1 },
    removed: { minQuality: 1, agentTypes: 1 },
  });
  expect(diff.examples).toEqual([
    { change: "removed", reason: "minQuality", interactionIds: ["b"] },
    { change: "removed", reason: "agentTypes", interactionIds: ["c"] },
    { change: "added", reason: "outsideTime", interactionIds: ["e"] },
  ]);
  const back = await diffDatasets(at("after"), at("before"));
  expect(back).toMatchObject({ added: { minQuality: 1, agentTypes: 1 } });
});

it("asks the store what became of the interactions of removed rows", async () => {
  const before = await storeOf(recorded);
  await writeDataset(buildSftDataset(before), at("before.jsonl"));
  const now = await storeOf(recorded.slice(1));
  const scores = { overall: 0.1 };
  await now.annotate([{ interactionId: "b", kind: "score", source: "human:ann", at: START, scores }]);
  await writeDataset(buildSftDataset(now), at("after"));
  const diff = await diffDatasets(at("before.jsonl"), at("after"), { store: now });
  expect(diff).toMatchObject({ same: 2, removed: { deleted: 1, scoredAnew: 1 } });
});

it("tells other answers to a prompt, other contents, limits and rows that changed sides", async () => {
  const answers = (best: number) =>
    [best, 0.5, 0].map((overall, i) => interaction({ interactionId: `x${i}`, query: "x", answer: `${i}`, overall }));
  await writeDataset(buildDpoDataset(await storeOf(answers(1))), at("one"));
  await writeDataset(buildDpoDataset(await storeOf(answers(0.2))), at("two"));
  expect(await diffDatasets(at("one"), at("two"))).toMatchObject({
    removed: { otherAnswers: 1 },
    added: { otherAnswers: 1 },
  });

  const store = await storeOf(Array.from({ length: 40 }, (_, i) => record(`r${i}`, 1, "math", START + i)));
  await writeDataset(buildSftDataset(store), at("all"), { testShare: 0.3 });
  await writeDataset(buildSftDataset(store, { mode: "prompt-completion" }), at("pairs"), { testShare: 0.6 });
  const other = await diffDatasets(at("all"), at("pairs"));
  expect(other).toMatchObject({ same: 0, changed: { layout: 40 }, added: {}, removed: {} });
  expect(other.moved).toBeGreaterThan(3);
  await writeDataset(buildSftDataset(store, { maxSamples: 10 }), at("few"));
  expect(await diffDatasets(at("all"), at("few"))).toMatchObject({ same: 10, removed: { limit: 30 } });
});

it("refuses what is no dataset, and two of different kinds", async () => {
  const store = await storeOf([record("a", 1), { ...record("b", 0), query: "about a" }]);
  await writeDataset(buildSftDataset(store), at("sft"));
  await writeDataset(buildDpoDataset(store), at("dpo"));
  await writeFile(at("text.jsonl"), "hello\n");
  await expect(diffDatasets(at("sft"), at("dpo"))).rejects.toThrow(/is a sft dataset and .* a dpo one/);
  await expect(diffDatasets(at("none"), at("sft"))).rejects.toThrow(/none is no dataset: name a .jsonl file/);
  await expect(diffDatasets(at("text.jsonl"), at("sft"))).rejects.toThrow(/has no row in line 1/);
});

it("reads rows with separators of lines inside, and says when a file of the manifest is gone", async () => {
  await writeFile(at("a.jsonl"), `${JSON.stringify({ text: "one\u2028row" })}\n`);
  expect(await diffDatasets(at("a.jsonl"), at("a.jsonl"))).toMatchObject({ same: 1, a: { rows: 1 } });
  await writeDataset(buildSftDataset(await storeOf(recorded)), at("set"));
  await rm(join(at("set"), "train.jsonl"));
  await expect(diffDatasets(at("set"), at("set"))).rejects.toThrow(/train\.jsonl cannot be read \(ENOENT/);
  await expect(diffDatasets(at("set"), at("set"))).rejects.toThrow(ConfigError);
});

it("tells by the store which pairs were scored anew, and takes no correction for a new score", async () => {
  const pair = [0.9, 0.1].map((overall, i) =>
    interaction({ interactionId: `p${i}`, query: "p", answer: `${i}`, overall }),
  );
  await writeDataset(buildDpoDataset(await storeOf(pair)), at("pairs.jsonl"));
  const store = await storeOf([...pair, record("c", 0.1), record("d", 0.9)]);
  const feedback = { type: "demonstration", value: "as it should be" } as const;
  await store.annotate([{ interactionId: "c", kind: "feedback", source: "human:ann", at: START, feedback }]);
  await writeDataset(buildSftDataset(store, { maxSamples: 4 }), at("corrected"));
  const scores = { overall: 0.8 };
  await store.annotate([{ interactionId: "p1", kind: "score", source: "human:ann", at: START, scores }]);
  await writeFile(at("other.jsonl"), `${JSON.stringify({ prompt: "x" })}\n`);
  const rescored = await diffDatasets(at("pairs.jsonl"), at("other.jsonl"), { store });
  expect(rescored.removed).toEqual({ scoredAnew: 1 });
  await writeDataset(buildSftDataset(store, { agentTypes: ["math"], maxSamples: 1 }), at("few"));
  const fewer = await diffDatasets(at("corrected"), at("few"), { store });
  expect(fewer.removed.scoredAnew).toBeUndefined();
});

it("claims no difference of options with a file, which has no manifest", async () => {
  const store = await storeOf([...recorded, record("f", 0.9)]);
  await writeDataset(buildSftDataset(await storeOf(recorded)), at("file.jsonl"));
  await store.annotate([{ interactionId: "b", kind: "score", source: "human:ann", at: START, scores: { overall: 1 } }]);
  await writeDataset(buildSftDataset(store), at("folder"));
  const diff = await diffDatasets(at("file.jsonl"), at("folder"));
  expect(diff).toMatchObject({ options: {}, same: 3, changed: { scoredAnew: 1 }, added: { unknown: 1 } });
});
