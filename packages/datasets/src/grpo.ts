import { ConfigError, type InteractionStore } from "@whetstone/core";
import type { Answer } from "./answer.js";
import { type BuildOptions, checkCount, checkedFormat, selection } from "./build-options.js";
import { type PromptDrop, tally } from "./build-report.js";
import { type Choose, linesFromChosen } from "./chosen-answers.js";
import { type DatasetBuild, datasetBuild } from "./dataset-build.js";
import { type GrpoRow, grpoLine } from "./dataset-rows.js";
import { indexRowsCollector } from "./index-rows.js";
import { scoreGap } from "./score-gap.js";

export interface GrpoOptions extends BuildOptions {
  /** Every group has exactly so many answers. Default 4. */
  readonly groupSize?: number | undefined;
  /** At most so many groups, those of the prompts answered last. */
  readonly maxGroups?: number | undefined;
}

/**
 * Builds groups of scored answers to the same prompt, one group a prompt, in the order of each prompt's newest answer.
 * Of more answers than `groupSize` the best, the worst and evenly spaced ones between them are taken.
 * @throws ConfigError at once when an option is wrong
 */
export function buildGrpoDataset(store: InteractionStore, options: GrpoOptions = {}): DatasetBuild<GrpoRow> {
  const { groupSize = 4, maxGroups = Infinity } = options;
  const { format, controlTokens } = checkedFormat(options);
  checkGroupSize(groupSize);
  checkCount("maxGroups", maxGroups, 1);
  const filter = selection(options);
  const books = tally("grpo");
  const { agentTypes, daysBack } = options;
  const settings = { groupSize, maxGroups, agentTypes, daysBack, format, controlTokens };

  return datasetBuild("grpo", settings, books, async function* (signal) {
    const collector = indexRowsCollector(books);
    for await (const batch of store.scanIndex(filter)) {
      signal?.throwIfAborted();
      collector.add(batch);
    }
    const toLine = (answers: readonly Answer[]): { line: string } | PromptDrop => {
      // By the scores of now, which may be newer than the index.
      const [best, ...others] = answers.toSorted((a, b) => b.score.overall - a.score.overall);
      const worst = others.at(-1);
      if (!best || !worst) return "groupTooSmall";
      if (scoreGap(best.score.overall, worst.score.overall) === 0) return "zeroVariance";
      return { line: grpoLine([best, ...others], { format, hasTools: false }) };
    };
    const rules = { choose: spread(groupSize), toLine, maxRows: maxGroups, format, controlTokens, needsText: true };
    yield* linesFromChosen(store, collector.rows(), books, rules, signal);
  });
}

/** Picks `groupSize` answers evenly spaced by rank, the best first; the best and the worst are always among them. */
export function spread(groupSize: number): Choose {
  return (members, overall) => {
    const last = members.length - 1;
    if (members.length < groupSize) return "groupTooSmall";
    const at = (rank: number) => members[rank] as number;
    if (scoreGap(overall[at(last)] as number, overall[at(0)] as number) === 0) return "zeroVariance";
    return Array.from({ length: groupSize }, (_, i) => at(last - Math.round((i * last) / (groupSize - 1))));
  };
}

/** @throws ConfigError unless it is a size a group can have */
export function checkGroupSize(groupSize: number): void {
  if (Number.isSafeInteger(groupSize) && groupSize >= 2 && groupSize <= 1024) return;
  throw new ConfigError(`groupSize is ${groupSize}: use a whole number from 2 to 1024 (4 or 8 are usual)`);
}
