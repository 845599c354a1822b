import { HIGH_QUALITY, IndexFlag, type InteractionStore } from "@whetstone/core";
import { checkShare, type SelectOptions, selection } from "./build-options.js";
import { tally } from "./build-report.js";
import { bestAndWorst } from "./dpo.js";
import { checkGroupSize, spread } from "./grpo.js";
import { indexRowsCollector } from "./index-rows.js";
import { groupByPrompt, membersOf } from "./prompt-groups.js";

export interface DatasetStatsOptions extends SelectOptions {
  /** As for `buildSftDataset`. Default 0.8. */
  readonly minQuality?: number | undefined;
  /** As for `buildDpoDataset`. Default 0.2. */
  readonly minQualityDiff?: number | undefined;
  /** As for `buildGrpoDataset`. Default 4. */
  readonly groupSize?: number | undefined;
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
  /** What to do next, in a sentence or two. */
  readonly recommendation: string;
}

/**
 * Tells what the builders would make, in one scan of the index and without reading a record. A build can turn out
 * smaller by what only the texts show: empty, identical or repeated answers, missing questions, control tokens.
 */
export async function datasetStats(store: InteractionStore, options: DatasetStatsOptions = {}): Promise<DatasetStats> {
  const { minQuality = 0.8, minQualityDiff = 0.2, groupSize = 4 } = options;
  checkShare("minQuality", minQuality);
  checkShare("minQualityDiff", minQualityDiff);
  checkGroupSize(groupSize);
  const books = tally("dpo");
  const collector = indexRowsCollector(books);
  const counts: number[] = [];
  let names: readonly string[] = [];
  let [highQualityCount, errorCount, unscoredCount] = [0, 0, 0];

  for await (const batch of store.scanIndex(selection(options))) {
    collector.add(batch);
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
  const facts = {
    totalInteractions: books.considered,
    highQualityCount,
    errorCount,
    unscoredCount,
    agentCounts: Object.fromEntries(agents),
    potentialDatasets: potential(collector.rows(), { minQuality, minQualityDiff, groupSize }),
  };
  return { ...facts, recommendation: recommend(facts) };
}

function potential(
  index: ReturnType<ReturnType<typeof indexRowsCollector>["rows"]>,
  { minQuality, minQualityDiff, groupSize }: { minQuality: number; minQualityDiff: number; groupSize: number },
): DatasetStats["potentialDatasets"] {
  const groups = groupByPrompt(index);
  const [choosePair, chooseGroup] = [bestAndWorst(minQualityDiff), spread(groupSize)];
  let [sftSamples, dpoPairs, grpoGroups] = [0, 0, 0];
  for (const overall of index.overall) if (overall >= minQuality) sftSamples += 1;
  for (let group = 0; group < groups.length; group++) {
    const members = membersOf(groups, group);
    if (typeof choosePair(members, index.overall) !== "string") dpoPairs += 1;
    if (typeof chooseGroup(members, index.overall) !== "string") grpoGroups += 1;
  }
  return { sftSamples, dpoPairs, grpoGroups };
}

/** Fewer rows than this rarely move a model: fine-tuning guides start at 50 to 100 good examples. */
const ENOUGH = 100;

function recommend(facts: Omit<DatasetStats, "recommendation">): string {
  const { totalInteractions, unscoredCount, potentialDatasets } = facts;
  const { sftSamples, dpoPairs, grpoGroups } = potentialDatasets;
  if (totalInteractions === 0) return "Nothing was recorded in this time: wrap an agent and let it work first.";
  if (unscoredCount === totalInteractions) {
    return `None of the ${totalInteractions} interactions is scored: run a scorer over them first.`;
  }
  const have = `${sftSamples} SFT samples, ${dpoPairs} DPO pairs and ${grpoGroups} GRPO groups`;
  if (sftSamples >= ENOUGH && dpoPairs >= ENOUGH) {
    return `Enough for SFT followed by DPO (${have}): train SFT first, then DPO on its result.`;
  }
  if (dpoPairs >= ENOUGH) return `Enough pairs for DPO on a model that already answers in the right form (${have}).`;
  if (sftSamples >= ENOUGH) {
    return `Enough for SFT (${have}). Answer the same prompts several times to get pairs and groups.`;
  }
  if (grpoGroups >= ENOUGH) return `Enough groups for offline GRPO (${have}).`;
  if (unscoredCount * 2 > totalInteractions) {
    return `Too little yet (${have}), and ${unscoredCount} of ${totalInteractions} interactions are unscored: score them first.`;
  }
  return `Too little yet (${have}): go on recording until one of them reaches about ${ENOUGH}.`;
}
