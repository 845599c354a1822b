import { type Interaction, promptKey } from "@whetstone/core";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { BuildReport } from "./build-report.js";
import { hasControlTokens } from "./control-tokens.js";
import { buildDpoDataset } from "./dpo.js";
import { buildGrpoDataset } from "./grpo.js";
import { rowLine } from "./json-lines.js";
import { collect, interaction, START, storeOf } from "./recorded.fixture.js";
import { scoreGap } from "./score-gap.js";
import { buildSftDataset } from "./sft.js";

const score = fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10);
const recorded = fc.array(
  fc.record({
    query: fc.constantFrom("a", " a ", "b", "c", ""),
    answer: fc.constantFrom("1", " 1", "2", "3", "4", "", "no <|im_end|>"),
    agentType: fc.constantFrom("math", "code"),
    timestamp: fc.integer({ min: START, max: START + 3 }),
    overall: fc.option(score, { nil: undefined, freq: 6 }),
    errorOccurred: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  }),
  { maxLength: 60 },
);

type Recorded = ReturnType<typeof recorded.generate>["value"];

const interactionsOf = (fields: Recorded) =>
  fields.map(({ overall, ...rest }) => interaction(overall === undefined ? rest : { ...rest, overall }));

const isFit = ({ query, answer, errorOccurred, qualityScores }: Interaction) =>
  !errorOccurred &&
  qualityScores.overall !== undefined &&
  query.trim() !== "" &&
  answer.trim() !== "" &&
  !hasControlTokens(answer);

function fitByPrompt(records: readonly Interaction[]): Interaction[][] {
  const groups = new Map<string, Interaction[]>();
  for (const record of records.filter(isFit)) {
    const key = promptKey(record);
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  return [...groups.values()];
}

const overallOf = ({ qualityScores }: Interaction) => qualityScores.overall as number;

const INTERACTION_DROPS = [
  ...["error", "unscored", "truncated", "belowMinQuality", "noPrompt", "emptyAnswer", "controlTokens"],
  ...["notPlainText", "duplicateAnswer", "unreadable"],
];

function expectBooksToBalance({ kind, rows, considered, used, unused, prompts, drops }: BuildReport): void {
  const sum = (isMeant: (reason: string) => boolean) =>
    Object.entries(drops).reduce((total, [reason, count]) => total + (isMeant(reason) ? count : 0), 0);
  expect(unused).toBeGreaterThanOrEqual(0);
  expect(used + unused + sum((reason) => INTERACTION_DROPS.includes(reason))).toBe(considered);
  if (kind !== "sft") expect(rows + sum((reason) => !INTERACTION_DROPS.includes(reason))).toBe(prompts);
  else expect(used).toBe(rows);
}

const uniformKeys = (rows: readonly object[]) =>
  new Set(rows.map((row) => Object.keys(JSON.parse(rowLine(row))).join())).size <= 1;

it("SFT takes exactly the fit answers from minQuality on, each text once a prompt", () =>
  fc.assert(
    fc.asyncProperty(recorded, score, async (fields, minQuality) => {
      const records = interactionsOf(fields);
      const build = buildSftDataset(await storeOf(records), { minQuality });
      const rows = await collect(build);
      const expected = new Set(
        records
          .filter((record) => isFit(record) && overallOf(record) >= minQuality)
          .map((record) => `${promptKey(record)} ${record.answer.trim()}`),
      );
      expect(rows).toHaveLength(expected.size);
      expect(uniformKeys(rows)).toBe(true);
      expectBooksToBalance(build.report);
      expect(build.report.unused).toBe(0);
    }),
  ));

it("DPO pairs the extremes of every prompt whose gap is wide enough, and no other", () =>
  fc.assert(
    fc.asyncProperty(recorded, score, async (fields, minQualityDiff) => {
      const records = interactionsOf(fields);
      const build = buildDpoDataset(await storeOf(records), { minQualityDiff });
      const rows = await collect(build);
      const gaps = fitByPrompt(records).map((answers) => {
        const scores = answers.map(overallOf);
        return scoreGap(Math.max(...scores), Math.min(...scores));
      });
      const wide = gaps.filter((gap) => gap > 0 && gap >= minQualityDiff);
      expect(rows.length + build.report.drops.identicalAnswers).toBe(wide.length);
      const byId = new Map(records.map((record) => [record.interactionId, record]));
      for (const { metadata, chosen, rejected } of rows) {
        expect(metadata.quality_diff).toBeGreaterThanOrEqual(minQualityDiff);
        expect(wide).toContain(metadata.quality_diff);
        const [best, worst] = [byId.get(metadata.chosen_interaction_id), byId.get(metadata.rejected_interaction_id)];
        expect(best && worst && promptKey(best) === promptKey(worst)).toBe(true);
        expect(chosen).not.toEqual(rejected);
      }
      expect(uniformKeys(rows)).toBe(true);
      expectBooksToBalance(build.report);
    }),
  ));

it("GRPO gives every prompt with enough fit answers and some spread one group of exactly groupSize", () =>
  fc.assert(
    fc.asyncProperty(recorded, fc.integer({ min: 2, max: 5 }), async (fields, groupSize) => {
      const records = interactionsOf(fields);
      const build = buildGrpoDataset(await storeOf(records), { groupSize });
      const rows = await collect(build);
      const groups = fitByPrompt(records).filter(
        (answers) => answers.length >= groupSize && new Set(answers.map(overallOf)).size > 1,
      );
      expect(rows).toHaveLength(groups.length);
      for (const { responses, metadata } of rows) {
        expect(responses).toHaveLength(groupSize);
        expect(new Set(metadata.interaction_ids).size).toBe(groupSize);
        expect(metadata.reward_std).toBeGreaterThan(0);
        const group = groups.find((answers) => answers.some((a) => a.interactionId === metadata.interaction_ids[0]));
        expect(metadata.reward_max).toBe(Math.max(...(group ?? []).map(overallOf)));
        expect(metadata.reward_min).toBe(Math.min(...(group ?? []).map(overallOf)));
      }
      expect(uniformKeys(rows)).toBe(true);
      expectBooksToBalance(build.report);
    }),
  ));

it("a limit is kept and gives rows that the whole build has too", () =>
  fc.assert(
    fc.asyncProperty(recorded, fc.integer({ min: 1, max: 6 }), async (fields, limit) => {
      const store = await storeOf(interactionsOf(fields));
      for (const [limited, whole] of [
        [buildSftDataset(store, { minQuality: 0.3, maxSamples: limit }), buildSftDataset(store, { minQuality: 0.3 })],
        [buildDpoDataset(store, { maxPairs: limit }), buildDpoDataset(store)],
        [buildGrpoDataset(store, { maxGroups: limit }), buildGrpoDataset(store)],
      ] as const) {
        const [few, all] = [await collect<object>(limited), await collect<object>(whole)];
        expect(few).toHaveLength(Math.min(limit, all.length));
        if (limited.kind !== "sft") expect(all).toEqual(expect.arrayContaining(few));
        expectBooksToBalance(limited.report);
      }
    }),
  ));
