import { type Annotation, memoryStore } from "@whetstone/core";
import { expect, it } from "vitest";
import { interaction } from "../testing/recorded-store.js";
import { NOW } from "../testing/run-in-process.js";
import { collectReport } from "./collect-report.js";

const options = { filter: {}, now: NOW, worst: 2, signal: new AbortController().signal, onProgress() {} };

it("counts by agent, variant, score and source, and the sums are the whole", async () => {
  const store = memoryStore();
  const scores = [0, 0.1, 0.35, 0.8, 1];
  await store.append([
    ...scores.map((overall, i) =>
      interaction({ interactionId: `s${i}`, variant: i % 2 ? "a" : "b", query: `q${i}`, qualityScores: { overall } }),
    ),
    interaction({ interactionId: "failed", agentType: "code", model: "m", errorOccurred: true }),
  ]);
  const said: Annotation = { interactionId: "s0", kind: "score", source: "verifier:x", at: 1, scores: { overall: 1 } };
  await store.annotate([said]);
  const report = await collectReport(store, options);
  expect(report.totals).toEqual({ count: 6, scored: 5, mean: 0.65, errors: 1, highQuality: 3, toldByPeople: 0 });
  expect(report.histogram).toEqual([0, 1, 0, 1, 0, 0, 0, 0, 1, 2]);
  expect(report.sources).toEqual([
    { source: "logged", count: 4 },
    { source: "verifier:x", count: 1 },
    { source: "unscored", count: 1 },
  ]);
  expect(report.agents.map(({ name, count }) => [name, count])).toEqual([
    ["math", 5],
    ["code", 1],
  ]);
  expect(report.variants.map(({ name, count }) => [name, count])).toEqual([
    ["b", 3],
    ["a", 2],
    ["m", 1],
  ]);
  expect(
    report.combinations.map(({ agentType, variant, mean, interval }) => [agentType, variant, mean, interval]),
  ).toEqual([
    ["code", "m", null, null],
    ["math", "b", (1 + 0.35 + 1) / 3, [expect.closeTo(0.359), 1]],
    ["math", "a", 0.45, [0, 1]],
  ]);
});

it("names the worst answers, one of each question, the newest of equal ones", async () => {
  const store = memoryStore();
  const answer = (interactionId: string, query: string, overall: number, timestamp = NOW) =>
    interaction({ interactionId, query, timestamp, qualityScores: { overall } });
  await store.append([
    answer("older", "one", 0.1, NOW - 2),
    answer("newer", "one", 0.1, NOW - 1),
    answer("better", "two", 0.2),
    answer("third", "three", 0.3),
  ]);
  const { worst } = await collectReport(store, options);
  expect(worst.map(({ interaction, overall, source }) => [interaction.interactionId, overall, source])).toEqual([
    ["newer", 0.1, "logged"],
    ["better", 0.2, "logged"],
  ]);
});

it("keeps a thousand names, whatever a store holds", async () => {
  const store = memoryStore();
  await store.append(
    Array.from({ length: 1_200 }, (_, i) => interaction({ interactionId: `i${i}`, variant: `v${i}` })),
  );
  const report = await collectReport(store, options);
  expect(report.variants).toHaveLength(1_000);
  expect(report.variants[0]).toMatchObject({ name: "others", count: 201 });
  expect(report.combinations).toHaveLength(1_000);
});
