import { describe, expect, it } from "vitest";
import type { StoredInteraction } from "./annotation.js";
import { calibrate, calibrateStored, labelledByPeople } from "./calibrate.js";
import { ConfigError, ScoringError } from "./errors.js";
import { calibratedSources, calibrationFacts } from "./required-calibration.js";
import { scorer } from "./scorer.js";
import type { PairwiseJudge } from "./scorers/pairwise-judge.js";
import { memoryStore } from "./stores/memory-store.js";
import { interaction } from "./testing/interaction.js";

const quick = { resamples: 200, at: 0 };
/** Finds long answers good. */
const byLength = scorer("judge:length", ({ answer }) => ({ scores: { overall: answer.length > 3 ? 0.9 : 0.1 } }));

/** So many answers, every other one good; one of ten is long against its label. */
const labelled = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    interaction: interaction({ answer: (i % 2 === 0) !== (i % 10 === 0) ? "long enough" : "no" }),
    label: i % 2 === 0 ? 1 : 0,
  }));

describe("calibrate", () => {
  it("asks the scorer about each labelled answer", async () => {
    const found = await calibrate(byLength, labelled(100), quick);
    expect(found).toMatchObject({ source: "judge:length", labelled: 100, agreement: 0.9 });
    expect(found.confusion).toEqual({
      "0 to 0.5": { "0 to 0.5": 50, "0.5 to 1": 0 },
      "0.5 to 1": { "0 to 0.5": 10, "0.5 to 1": 40 },
    });
    expect(found.lengthBias).not.toBeNull();
  });

  it("grades by the cuts it is given", async () => {
    const found = await calibrate(byLength, labelled(20), { ...quick, cuts: [0.3, 0.95] });
    expect(Object.keys(found.confusion)).toEqual(["0 to 0.3", "0.95 to 1"]);
    await expect(calibrate(byLength, labelled(2), { cuts: [] })).rejects.toThrow(ConfigError);
    await expect(calibrate(byLength, labelled(2), { cuts: [1] })).rejects.toThrow(ConfigError);
  });

  it("does not show the label to the scorer", async () => {
    const seen: unknown[] = [];
    const curious = scorer("judge:curious", (given) => {
      seen.push(given.annotations);
      return { scores: { overall: 1 } };
    });
    const [item] = labelled(1);
    const told: StoredInteraction = {
      ...(item?.interaction ?? interaction()),
      annotations: [{ interactionId: "a", kind: "score", source: "human:ann", at: 1, scores: { overall: 1 } }],
    };
    await calibrate(curious, [{ interaction: told, label: 1 }], quick);
    expect(seen).toEqual([undefined]);
  });

  it("counts unparsable replies, leaves out what cannot be said, and goes on after a failed call", async () => {
    let call = 0;
    const moody = scorer("judge:moody", () => {
      call += 1;
      if (call % 4 === 0) throw new ScoringError("SCORING_UNPARSABLE", "no verdict");
      if (call % 4 === 1) throw new ScoringError("SCORING_UNAVAILABLE", "no answer");
      return call % 4 === 2 ? null : { scores: { overall: 1 } };
    });
    const found = await calibrate(moody, labelled(100), { ...quick, concurrency: 1 });
    expect(found).toMatchObject({ labelled: 50, parsable: 25, unparsableRate: 0.5 });
    const dead = scorer("judge:dead", () => {
      throw new ScoringError("SCORING_UNAVAILABLE", "no answer");
    });
    await expect(calibrate(dead, labelled(5), quick)).rejects.toThrow("no answer");
  });

  it("never has more under way than it may, and stops when the signal aborts", async () => {
    const stop = new AbortController();
    let [running, most, calls] = [0, 0, 0];
    const slow = scorer("judge:slow", async () => {
      running += 1;
      calls += 1;
      most = Math.max(most, running);
      await new Promise((go) => setTimeout(go, 1));
      running -= 1;
      return { scores: { overall: 1 } };
    });
    await calibrate(slow, labelled(30), { ...quick, concurrency: 3 });
    expect([most, calls]).toEqual([3, 30]);
    stop.abort(new Error("enough"));
    await expect(calibrate(slow, labelled(30), { signal: stop.signal })).rejects.toThrow("enough");
  });

  it("asks a pairwise judge, and counts what it says only in one order", async () => {
    let call = 0;
    const compare: PairwiseJudge = Object.assign(
      async (first: StoredInteraction, second: StoredInteraction) => {
        call += 1;
        if (call % 5 === 0) return null;
        const better = first.answer.length > second.answer.length ? ("first" as const) : ("second" as const);
        return { better, rationale: "longer" };
      },
      { source: "judge:longer-pairwise" },
    );
    const pairs = Array.from({ length: 100 }, (_, i) => ({
      first: interaction({ answer: i % 3 === 0 ? "long enough" : "no" }),
      second: interaction({ answer: "short" }),
      label: i % 3 === 0 ? ("first" as const) : ("second" as const),
    }));
    const found = await calibrate(compare, pairs, { ...quick, concurrency: 1 });
    expect(found).toMatchObject({
      labelled: 100,
      parsable: 80,
      unparsableRate: 0.2,
      swapFlipRate: 0.2,
      agreement: 1,
      kappa: 1,
    });
    expect(found.lengthBias).toBeCloseTo(0, 10);
  });

  it("compares what is stored with what people said there", async () => {
    const store = memoryStore();
    const answers = labelled(60);
    await store.append(answers.map((item) => item.interaction));
    for (const {
      interaction: { interactionId, answer },
      label,
    } of answers) {
      await store.annotate([
        {
          interactionId,
          kind: "feedback",
          source: "human:ann",
          at: 1,
          feedback: { type: "boolean", value: label === 1 },
        },
        { interactionId, kind: "score", source: "judge:length", at: 1, scores: { overall: answer.length > 3 ? 1 : 0 } },
      ]);
    }
    expect(await calibrateStored(store, "judge:length", quick)).toMatchObject({ labelled: 60, agreement: 0.9 });
    const asked = await calibrate(byLength, labelledByPeople(store), quick);
    expect(asked).toMatchObject({ labelled: 60, agreement: 0.9 });
    await expect(calibrateStored(store, "judge:nobody", quick)).rejects.toThrow(ConfigError);
  });
});

describe("calibratedSources", () => {
  it("lets people and verifiers through, and others whose kappa's interval lies above", async () => {
    const store = memoryStore();
    await store.saveCalibration(await calibrate(byLength, labelled(200), quick));
    const isGood = calibratedSources(await store.calibrations(), 0.6);
    expect(
      ["human:ann", "verifier:math", "judge:length", "judge:other", "logged", "heuristic:v1"].filter(isGood),
    ).toEqual(["human:ann", "verifier:math", "judge:length"]);
    const isVeryGood = calibratedSources(await store.calibrations(), 0.8);
    expect(isVeryGood("judge:length")).toBe(false);
    expect(() => calibratedSources([], 40)).toThrow(ConfigError);
  });

  it("gives a manifest what it holds of a source", async () => {
    const store = memoryStore();
    await store.saveCalibration(await calibrate(byLength, labelled(200), quick));
    const facts = calibrationFacts(await store.calibrations(), ["judge:length", "verifier:math"]);
    expect(facts["judge:length"]).toMatchObject({ kappa: 0.8, agreement: 0.9, labelled: 200, unparsable_rate: 0 });
    expect(facts["verifier:math"]).toBeNull();
  });
});
