import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, calibrationOf, type InteractionStore, type JudgedLabel } from "@whetstone/core";
import { expect, it, onTestFinished } from "vitest";
import { buildDpoDataset } from "./dpo.js";
import { buildGrpoDataset } from "./grpo.js";
import { buildKtoDataset } from "./kto.js";
import { collect, dropsOf, interaction, storeOf } from "./recorded.fixture.js";
import { buildSftDataset } from "./sft.js";
import { writeDataset } from "./write-dataset.js";

/** One answer scored by each of a good judge, a poor one, one nobody compared, a verifier, a person, and the agent. */
const SOURCES = ["judge:good", "judge:poor", "judge:unknown", "verifier:math", "human:ann", "logged"];

async function scoredBySources(): Promise<InteractionStore> {
  const records = SOURCES.map((source, i) =>
    interaction({ interactionId: source, query: `question ${i}`, ...(source === "logged" && { overall: 1 }) }),
  );
  const store = await storeOf(records);
  for (const source of SOURCES.slice(0, -1)) {
    await store.annotate([{ interactionId: source, kind: "score", source, at: 1, scores: { overall: 1 } }]);
  }
  await store.saveCalibration(await calibrationOf("judge:good", labels(95), { at: 0 }));
  await store.saveCalibration(await calibrationOf("judge:poor", labels(60), { at: 0 }));
  return store;
}

/** A hundred labels, of which so many are right. */
function labels(right: number): JudgedLabel[] {
  return Array.from({ length: 100 }, (_, i) => {
    const human = i % 2 === 0 ? "good" : "bad";
    return { human, scorer: i < right ? human : i % 2 === 0 ? "bad" : "good" };
  });
}

it("lets only people, verifiers and calibrated scorers decide where that is required", async () => {
  const store = await scoredBySources();
  const all = await collect(buildSftDataset(store));
  expect(all).toHaveLength(SOURCES.length);
  const build = buildSftDataset(store, { requireCalibration: 0.4 });
  const sources = (await collect(build)).map(({ metadata }) => metadata.score_source);
  expect(sources.toSorted()).toEqual(["human:ann", "judge:good", "verifier:math"]);
  expect(dropsOf(build.report)).toEqual({ uncalibrated: 3 });
});

it("takes the next best answer to a prompt where the best one's scorer is not calibrated", async () => {
  const store = await storeOf([
    interaction({ answer: "logged best", overall: 1 }),
    interaction({ interactionId: "a", answer: "verified" }),
    interaction({ interactionId: "b", answer: "refuted" }),
  ]);
  await store.annotate([
    { interactionId: "a", kind: "score", source: "verifier:math", at: 1, scores: { overall: 0.9 } },
    { interactionId: "b", kind: "score", source: "verifier:math", at: 1, scores: { overall: 0 } },
  ]);
  const [pair] = await collect(buildDpoDataset(store, { requireCalibration: 0.4 }));
  expect(pair?.metadata).toMatchObject({ chosen_score: 0.9, rejected_score: 0 });
  expect(await collect(buildGrpoDataset(store, { groupSize: 3, requireCalibration: 0.4 }))).toEqual([]);
  expect(await collect(buildKtoDataset(store, { requireCalibration: 0.4 }))).toHaveLength(2);
});

it("writes into the manifest how well the scorers that decided agree with people", async () => {
  const folder = await mkdtemp(join(tmpdir(), "whetstone-fitness-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const store = await scoredBySources();
  await writeDataset(buildSftDataset(store, { requireCalibration: 0.4 }), join(folder, "sft"));
  const manifest = JSON.parse(await readFile(join(folder, "sft", "manifest.json"), "utf8"));
  expect(manifest.options.require_calibration).toBe(0.4);
  expect(manifest.calibrations).toEqual({
    "human:ann": null,
    "judge:good": {
      kappa: expect.closeTo(0.9, 10),
      kappa_interval: [expect.any(Number), expect.any(Number)],
      agreement: 0.95,
      labelled: 100,
      unparsable_rate: 0,
      verdict: "as good as people usually are",
    },
    "verifier:math": null,
  });
});

it("refuses a kappa that is none, before anything is read", () => {
  expect(() => buildSftDataset({} as InteractionStore, { requireCalibration: 40 })).toThrow(ConfigError);
});
