import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Calibration, JudgedLabel } from "./calibration.js";
import { calibrationOf } from "./calibration-of.js";
import { ConfigError } from "./errors.js";

const DATA = process.env.WHETSTONE_REAL_DATA ?? new URL("../../../../shared/data", import.meta.url).pathname;
const PANDA_LM = [`${DATA}/pandalm-testset.json`, `${DATA}/pandalm-gpt35-verdicts.json`] as const;
const absent = PANDA_LM.find((path) => !existsSync(path));
const missing = absent ? ` (skipped: ${absent} is not there)` : "";

const many = (count: number, label: JudgedLabel): JudgedLabel[] => Array.from({ length: count }, () => label);
const quick = { resamples: 200, at: 0 };

/** Of 100 labels, half good and half bad, the scorer gets so many of each half right. */
const right = (good: number, bad: number) => [
  ...many(good, { human: "good", scorer: "good" }),
  ...many(50 - good, { human: "good", scorer: "bad" }),
  ...many(bad, { human: "bad", scorer: "bad" }),
  ...many(50 - bad, { human: "bad", scorer: "good" }),
];

describe("calibrationOf", () => {
  it("gives agreement, kappa with an interval, and the confusion table", async () => {
    const found = await calibrationOf("judge:model@rubric", right(45, 40), quick);
    expect(found).toMatchObject({
      source: "judge:model@rubric",
      at: 0,
      labelled: 100,
      parsable: 100,
      unparsableRate: 0,
      agreement: 0.85,
      confusion: { good: { good: 45, bad: 5 }, bad: { good: 10, bad: 40 } },
      swapFlipRate: null,
      lengthBias: null,
      people: [],
    });
    expect(found.kappa).toBeCloseTo(0.7, 10);
    const [low, high] = found.kappaInterval ?? [1, 0];
    expect(low).toBeGreaterThan(0.5);
    expect(low).toBeLessThan(0.7);
    expect(high).toBeGreaterThan(0.7);
    expect(high).toBeLessThan(0.9);
  });

  it("gives the same intervals for the same seed", async () => {
    const interval = async (seed: number) =>
      (await calibrationOf("judge:a", right(45, 40), { ...quick, seed })).kappaInterval;
    expect(await interval(7)).toEqual(await interval(7));
    expect(await interval(7)).not.toEqual(await interval(8));
  });

  it("counts what cannot be read apart, and once more as a category of its own", async () => {
    const found = await calibrationOf(
      "judge:a",
      [...right(50, 50), ...many(25, { human: "good", scorer: null })],
      quick,
    );
    expect(found).toMatchObject({
      labelled: 125,
      parsable: 100,
      unparsableRate: 0.2,
      agreement: 1,
      kappa: 1,
      agreementOfAll: 0.8,
    });
    expect(found.confusion.good).toEqual({ good: 50, bad: 0, unparsable: 25 });
    expect(found.verdict).toContain("many of its verdicts cannot be read");
  });

  it("follows the majority of several people, leaves out what has none, and says how they agree", async () => {
    const found = await calibrationOf(
      "judge:a",
      [
        { human: ["a", "a", "b"], scorer: "a" },
        { human: ["b", "b", "b"], scorer: "b" },
        { human: ["a", "b", "c"], scorer: "c" },
      ],
      quick,
    );
    expect(found).toMatchObject({ labelled: 2, agreement: 1 });
    expect(found.people.map(({ agreement }) => agreement)).toEqual([1, 0.5, 0.5]);
  });

  it("has no kappa where one of the two always says the same", async () => {
    const found = await calibrationOf("judge:a", many(60, { human: "good", scorer: "good" }), quick);
    expect(found).toMatchObject({ agreement: 1, kappa: null, kappaInterval: null });
    expect(found.verdict).toMatch(/^nothing can be said/);
  });

  it("gives how much more than people a scorer gives for twice the length", async () => {
    const labels = right(45, 45).map((label, i) => ({
      ...label,
      logLength: i % 7,
      excess: 0.05 * (i % 7) - 0.2 + (i % 2) * 0.01,
    }));
    const found = await calibrationOf("judge:a", labels, quick);
    expect(found.lengthBias).toBeCloseTo(0.05, 2);
    expect(found.verdict).toContain("it favours longer answers");
    const shorter = await calibrationOf(
      "judge:a",
      labels.map((label) => ({ ...label, excess: -label.excess })),
      quick,
    );
    expect(shorter.verdict).toContain("it favours shorter answers");
  });

  it("gives how often a verdict depends on the place of the answers", async () => {
    const labels = right(45, 45).map((label, i) => ({ ...label, flipped: i % 4 === 0 }));
    const found = await calibrationOf("judge:a", labels, quick);
    expect(found.swapFlipRate).toBe(0.25);
    expect(found.verdict).toContain("changes its mind");
  });

  it.each([
    [50, 50, /^as good as people/],
    [45, 40, /^good/],
    [38, 38, /^moderate/],
    [32, 32, /^weak/],
    [26, 26, /^hardly better than guessing/],
    [10, 10, /^worse than guessing/],
  ])("says in words what %i and %i right of 50 mean", async (good, bad, words) => {
    expect((await calibrationOf("judge:a", right(good, bad), quick)).verdict).toMatch(words);
  });

  it("does not judge by a handful of labels", async () => {
    const few = [
      { human: "a", scorer: "a" },
      { human: "b", scorer: "b" },
    ];
    expect((await calibrationOf("judge:a", few, quick)).verdict).toMatch(/^too few labels to say: 2/);
    await expect(calibrationOf("judge:a", [], quick)).rejects.toThrow(ConfigError);
    await expect(calibrationOf("judge:a", [{ human: "a", scorer: null }], quick)).rejects.toThrow(ConfigError);
  });

  it.skipIf(absent)(`finds the known figures of GPT-3.5 and of people in PandaLM${missing}`, async () => {
    const found = await calibrationOf("judge:gpt-3.5-turbo@pandalm", pandaLm(), { at: 0 });
    console.log(table(found));
    expect(found).toMatchObject({ labelled: 999, parsable: 974 });
    expect(found.agreement.toFixed(3)).toBe("0.716");
    expect(found.kappa?.toFixed(3)).toBe("0.493");
    expect(found.agreementOfAll.toFixed(3)).toBe("0.698");
    expect(found.kappaOfAll?.toFixed(3)).toBe("0.476");
    expect(found.people.map(({ kappa }) => kappa?.toFixed(3)).sort()).toEqual(["0.852", "0.862", "0.879"]);
    const [low, high] = found.kappaInterval ?? [];
    expect(low).toBeGreaterThan(0.4);
    expect(high).toBeLessThan(0.6);
    expect(found.verdict).toMatch(/^moderate.+people agree with each other at kappa 0\.85 to 0\.88/);
  });
});

function pandaLm(): JudgedLabel[] {
  interface Pair {
    readonly idx: number;
    readonly annotator1: number;
    readonly annotator2: number;
    readonly annotator3: number;
  }
  const pairs = JSON.parse(readFileSync(PANDA_LM[0], "utf8")) as Pair[];
  const verdicts = JSON.parse(readFileSync(PANDA_LM[1], "utf8")) as { idx: number; gpt_result: string }[];
  const said = new Map(verdicts.map(({ idx, gpt_result }) => [idx, gpt_result]));
  const readable: Readonly<Record<string, string>> = { "1": "1", "2": "2", Tie: "0" };
  return pairs.map(({ idx, annotator1, annotator2, annotator3 }) => ({
    human: [annotator1, annotator2, annotator3].map(String),
    scorer: readable[said.get(idx) ?? ""] ?? null,
  }));
}

function table({ agreement, kappa, kappaInterval, agreementOfAll, kappaOfAll, people }: Calibration): string {
  const shown = (value: number | null | undefined) => value?.toFixed(3) ?? "-";
  return [
    `PandaLM: agreement ${shown(agreement)}, kappa ${shown(kappa)} [${kappaInterval?.map(shown).join(", ")}]`,
    `with unparsable as a category: ${shown(agreementOfAll)}, ${shown(kappaOfAll)}`,
    `people with each other: ${people.map((two) => shown(two.kappa)).join(", ")}`,
  ].join("\n");
}
