import { setImmediate as nextTurn } from "node:timers/promises";
import { HIGH_QUALITY, IndexFlag, type InteractionStore } from "@whetstone/core";
import { checkShare, type SelectOptions, selection } from "./build-options.js";
import { type BuildReport, type RuleEffect, ruleEffects, tally } from "./build-report.js";
import type { Choose } from "./chosen-answers.js";
import type { DatasetBuild } from "./dataset-build.js";
import { buildDpoDataset } from "./dpo.js";
import { buildGrpoDataset, checkGroupSize, spread } from "./grpo.js";
import { type IndexRows, indexRowsCollector } from "./index-rows.js";
import { bestAndWorst } from "./preference-pairs.js";
import { GROUPS_A_TURN, groupByPrompt, membersOf } from "./prompt-groups.js";
import { buildSftDataset } from "./sft.js";

export interface DatasetStatsOptions extends SelectOptions {
  /** As for `buildSftDataset`. Default 0.8. */
  readonly minQuality?: number | undefined;
  /** As for `buildDpoDataset`. Default 0.2. */
  readonly minQualityDiff?: number | undefined;
  /** As for `buildGrpoDataset`. Default 4. */
  readonly groupSize?: number | undefined;
  /** The share of prompts that would be kept for the test. Default 0.1. */
  readonly testShare?: number | undefined;
  /** Reads the texts too, as the builders would: `rowsAfterRules` then has every rule. Takes as long as three builds. */
  readonly readTexts?: boolean | undefined;
}

export interface DatasetStats {
  readonly totalInteractions: number;
  /** Effective overall of at least 0.8. */
  readonly highQualityCount: number;
  readonly errorCount: number;
  readonly unscoredCount: number;
  /** Interactions by agent type. */
  readonly agentCounts: Readonly<Record<string, number>>;
  readonly potentialDatasets: {
    readonly sftSamples: number;
    readonly dpoPairs: number;
    readonly grpoGroups: number;
  };
  /** What can be learnt from comparing answers. */
  readonly signal: {
    /** Prompts with a scored answer. */
    readonly prompts: number;
    /** Prompts with answers of different scores. */
    readonly withSignal: number;
    /** Their share; 0 without a prompt. */
    readonly share: number;
  };
  /** What every rule that removes something leaves, in order. */
  readonly rowsAfterRules: Readonly<Record<"sft" | "dpo" | "grpo", readonly RuleEffect[]>>;
  /** How large an improvement has to be for the test part to show it. */
  readonly testPower: {
    readonly testShare: number;
    /** Prompts the test part would have. */
    readonly prompts: number;
    /** The least gain of the mean score that a test finds in four of five cases; null with fewer than two prompts. */
    readonly detectableGain: number | null;
  };
  /** The method to begin with, null when it is too early for any, and why. */
  readonly recommended: { readonly method: "sft" | "dpo" | "kto" | "grpo" | null; readonly reason: string };
  /** What to do next, in a sentence or two. */
  readonly recommendation: string;
}

/**
 * Tells what the builders would make, in one scan of the index and without reading a record. A build can turn out
 * smaller by what only the texts show: empty, identical or repeated answers, missing questions, control tokens.
 */
export async function datasetStats(store: InteractionStore, options: DatasetStatsOptions = {}): Promise<DatasetStats> {
  const { minQuality = 0.8, minQualityDiff = 0.2, groupSize = 4, testShare = 0.1, readTexts = false } = options;
  checkShare("minQuality", minQuality);
  checkShare("minQualityDiff", minQualityDiff);
  checkShare("testShare", testShare);
  checkGroupSize(groupSize);
  const [sft, dpo, grpo] = [tally("sft"), tally("dpo"), tally("grpo")];
  const good = indexRowsCollector(sft, { minQuality, unscored: "corrected", corrected: true });
  const byPrompt = indexRowsCollector(dpo, { unscored: "corrected" });
  const byTask = indexRowsCollector(grpo, { byTask: true });
  const counts: number[] = [];
  let names: readonly string[] = [];
  let [highQualityCount, errorCount, unscoredCount] = [0, 0, 0];

  for await (const batch of store.scanIndex(selection(options))) {
    for (const collector of [good, byPrompt, byTask]) collector.add(batch);
    names = batch.agentTypeNames;
    for (let i = 0; i < batch.length; i++) {
      const agent = batch.agentTypes[i] as number;
      const overall = batch.overall[i] as number;
      counts[agent] = (counts[agent] ?? 0) + 1;
      if (overall >= HIGH_QUALITY) highQualityCount += 1;
      if (Number.isNaN(overall)) unscoredCount += 1;
      if ((batch.flags[i] as number) & IndexFlag.error) errorCount += 1;
    }
  }

  const agents = names
    .map((name, agent) => [name, counts[agent] ?? 0] as const)
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const [scored, tasks] = [byPrompt.rows(), byTask.rows()];
  const potentialDatasets = {
    sftSamples: good.rows().length,
    dpoPairs: await countGroups(scored, bestAndWorst(minQualityDiff), dpo),
    grpoGroups: await countGroups(tasks, spread(groupSize), grpo),
  };
  const signal = await signalOf(scored);
  const reports = readTexts
    ? await builtReports([
        buildSftDataset(store, { ...options, minQuality }),
        buildDpoDataset(store, { ...options, minQualityDiff }),
        buildGrpoDataset(store, { ...options, groupSize }),
      ])
    : [sft.report(), dpo.report(), grpo.report()];
  const facts = {
    totalInteractions: sft.considered,
    highQualityCount,
    errorCount,
    unscoredCount,
    agentCounts: Object.fromEntries(agents),
    potentialDatasets,
    signal,
    rowsAfterRules: Object.fromEntries(reports.map((report) => [report.kind, ruleEffects(report)])) as Record<
      "sft" | "dpo" | "grpo",
      RuleEffect[]
    >,
    testPower: testPower(scored.overall, signal.prompts, testShare),
  };
  const recommended = recommend(facts, unwantedCount(scored.overall));
  return { ...facts, recommended, recommendation: recommended.reason };
}

async function countGroups(index: IndexRows, choose: Choose, books: ReturnType<typeof tally>): Promise<number> {
  const groups = await groupByPrompt(index);
  let count = 0;
  for (let group = 0; group < groups.length; group++) {
    if (group % GROUPS_A_TURN === GROUPS_A_TURN - 1) await nextTurn();
    const picked = choose(membersOf(groups, group), index);
    if (typeof picked === "string") books.drop(picked);
    else count += 1;
  }
  books.prompts = groups.length;
  return count;
}

async function signalOf(index: IndexRows): Promise<DatasetStats["signal"]> {
  const { length: prompts, ...groups } = await groupByPrompt(index);
  let withSignal = 0;
  for (let group = 0; group < prompts; group++) {
    if (group % GROUPS_A_TURN === GROUPS_A_TURN - 1) await nextTurn();
    const members = membersOf({ length: prompts, ...groups }, group);
    const [worst, best] = [members[0] as number, members[members.length - 1] as number];
    if (index.overall[worst] !== index.overall[best]) withSignal += 1;
  }
  return { prompts, withSignal, share: prompts === 0 ? 0 : withSignal / prompts };
}

async function builtReports(builds: readonly DatasetBuild<object>[]): Promise<readonly BuildReport[]> {
  const reports: BuildReport[] = [];
  for (const build of builds) {
    for await (const _ of build.lines()) {
      // Only the books are wanted.
    }
    reports.push(build.report);
  }
  return reports;
}

/** For a two-sided test at 5 % that finds a gain in 80 % of all cases: 1.96 + 0.84. */
const Z = 2.8;

// Miller 2024, "Adding Error Bars to Evals" (arXiv 2411.00640), section 5: the least detectable difference of two means
// over n questions is (z(α/2) + z(β)) · √((σ²A + σ²B) / n). The model of today stands in for both variances, and what
// is gained by asking both models the same questions is left out: the true figure is not larger.
function testPower(overall: Float64Array, prompts: number, testShare: number): DatasetStats["testPower"] {
  const inTest = Math.round(prompts * testShare);
  const mean = overall.reduce((sum, score) => sum + score, 0) / overall.length;
  const variance = overall.reduce((sum, score) => sum + (score - mean) ** 2, 0) / overall.length;
  const gain = Z * Math.sqrt((2 * variance) / inTest);
  return { testShare, prompts: inTest, detectableGain: inTest < 2 ? null : Math.round(gain * 1e4) / 1e4 };
}

/** Below this an answer is clearly unwanted: the default `maxQuality` of `buildKtoDataset`. */
const UNWANTED = 0.5;

function unwantedCount(overall: Float64Array): number {
  let count = 0;
  for (const score of overall) if (score <= UNWANTED) count += 1;
  return count;
}

/** Fewer rows than this rarely move a model: fine-tuning guides start at 50 to 100 good examples. */
const ENOUGH = 100;

function recommend(
  facts: Omit<DatasetStats, "recommendation" | "recommended">,
  unwanted: number,
): DatasetStats["recommended"] {
  const { totalInteractions, unscoredCount, potentialDatasets } = facts;
  const { sftSamples, dpoPairs, grpoGroups } = potentialDatasets;
  const nothing = (reason: string) => ({ method: null, reason });
  if (totalInteractions === 0)
    return nothing("Nothing was recorded in this time: wrap an agent and let it work first.");
  if (unscoredCount === totalInteractions) {
    return nothing(`None of the ${totalInteractions} interactions is scored: run a scorer over them first.`);
  }
  const have = `${sftSamples} SFT samples, ${dpoPairs} DPO pairs and ${grpoGroups} GRPO groups`;
  if (sftSamples >= ENOUGH && dpoPairs >= ENOUGH) {
    return {
      method: "sft",
      reason: `Enough for SFT followed by DPO (${have}): train SFT first, then DPO on its result.`,
    };
  }
  if (dpoPairs >= ENOUGH) {
    return {
      method: "dpo",
      reason: `Enough pairs for DPO on a model that already answers in the right form (${have}).`,
    };
  }
  if (grpoGroups >= ENOUGH) return { method: "grpo", reason: `Enough groups for offline GRPO (${have}).` };
  if (sftSamples >= ENOUGH && unwanted >= ENOUGH) {
    const reason = `Enough for KTO (${sftSamples} wanted and ${unwanted} unwanted answers; ${have}): it learns from both without two answers to one prompt.`;
    return { method: "kto", reason };
  }
  if (sftSamples >= ENOUGH) {
    return {
      method: "sft",
      reason: `Enough for SFT (${have}). Answer the same prompts several times to get pairs and groups.`,
    };
  }
  if (unscoredCount * 2 > totalInteractions) {
    return nothing(
      `Too little yet (${have}), and ${unscoredCount} of ${totalInteractions} interactions are unscored: score them first.`,
    );
  }
  return nothing(`Too little yet (${have}): go on recording until one of them reaches about ${ENOUGH}.`);
}
