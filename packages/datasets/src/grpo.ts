import { ConfigError, IndexFlag, type InteractionStore, isSamePrompt, type StoredInteraction } from "@whetstone/core";
import { type Answer, answerOf, promptOf } from "./answer.js";
import { type BuildOptions, checkCount, commonRules, selection, shownRules } from "./build-options.js";
import { type PromptDrop, tally } from "./build-report.js";
import { type Choose, linesFromChosen, type PromptRows } from "./chosen-answers.js";
import { type DatasetBuild, datasetBuild } from "./dataset-build.js";
import { type GrpoRow, grpoLine, type OnlineGrpoRow, onlineGrpoLine } from "./dataset-rows.js";
import { fitnessRules } from "./fitness.js";
import { scanEligible } from "./index-scan.js";
import { scoreGap } from "./score-gap.js";

export interface GrpoOptions extends BuildOptions {
  /** Every group has exactly so many answers. Default 4. */
  readonly groupSize?: number | undefined;
  /** At most so many groups, those of the prompts answered last. */
  readonly maxGroups?: number | undefined;
}

/**
 * Builds groups of scored answers to the same prompt, one group a prompt, in the order of each prompt's newest answer.
 * Interactions with a `groupId` are grouped by it, whatever their prompts: the prompt of such a group is what all of
 * its conversations begin with. Of more answers than `groupSize` the best, the worst and evenly spaced ones between
 * them are taken.
 * @throws ConfigError at once when an option is wrong
 */
export function buildGrpoDataset(store: InteractionStore, options: GrpoOptions = {}): DatasetBuild<GrpoRow> {
  const { groupSize = 4, maxGroups = Infinity } = options;
  const rules = commonRules(options);
  const { format } = rules;
  checkGroupSize(groupSize);
  checkCount("maxGroups", maxGroups, 1);
  const filter = selection(options);
  const books = tally("grpo", rules);
  const settings = { groupSize, maxGroups, ...shownRules(rules) };

  return datasetBuild("grpo", settings, books, async function* (signal) {
    const read = await fitnessRules(store, rules, books);
    const index = await scanEligible(store, filter, books, { byTask: true }, signal);
    // Only messages can hold an answer that calls a tool, and what attempts at one task do on their way to it.
    const hasTrajectories = index.hasTaskTrajectories && format === "conversational";
    const shape = { format, hasTools: false, hasTasks: index.hasTasks, hasTrajectories };
    const fitness = { ...read, needsText: !hasTrajectories };
    const toRows = (answers: readonly Answer[]): PromptRows | PromptDrop => {
      // By the scores of now, which may be newer than the index.
      const [best, ...others] = answers.toSorted((a, b) => b.score.overall - a.score.overall);
      const worst = others.at(-1);
      if (!best || !worst) return "groupTooSmall";
      if (scoreGap(best.score.overall, worst.score.overall) === 0) return "zeroVariance";
      const shared = sharedTurns(best, others);
      if (shared === 0 || (shared < best.prompt.length && !hasTrajectories)) return "noSharedPrompt";
      return { lines: [grpoLine([best, ...others], shape, shared)], used: answers };
    };
    const chosen = {
      choose: spread(groupSize),
      take: (record: Parameters<typeof answerOf>[0]) => answerOf(record, fitness),
      toRows,
      maxRows: maxGroups,
      belong: isOneGroup,
    };
    yield* linesFromChosen(store, index, books, chosen, signal);
  });
}

export interface OnlineGrpoOptions extends BuildOptions {
  /** At most so many prompts, those asked last. */
  readonly maxPrompts?: number | undefined;
  /** Leaves out prompts whose right answer is not known. Default false. */
  readonly requireReference?: boolean | undefined;
}

/**
 * Builds prompts for a trainer that makes and scores the answers itself: one row a prompt, with the right answer where
 * an interaction has it as its `reference`. Logged answers and scores do not matter, so unscored ones are taken too.
 * @throws ConfigError at once when an option is wrong
 */
export function buildOnlineGrpoDataset(
  store: InteractionStore,
  options: OnlineGrpoOptions = {},
): DatasetBuild<OnlineGrpoRow> {
  const { maxPrompts = Infinity, requireReference = false } = options;
  const rules = commonRules(options);
  const { format } = rules;
  checkCount("maxPrompts", maxPrompts, 1);
  const filter = selection(options);
  const books = tally("grpo-online", rules);
  const settings = { maxPrompts, requireReference, ...shownRules(rules) };

  return datasetBuild("grpo-online", settings, books, async function* (signal) {
    const fitness = await fitnessRules(store, rules, books);
    const index = await scanEligible(store, filter, books, { unscored: "all" }, signal);
    const shape = { format, hasTools: false, hasTasks: index.hasTasks };
    const hasReference = (row: number) => ((index.flags[row] as number) & IndexFlag.reference) !== 0;
    const chosen = {
      choose(members: Uint32Array) {
        const newestLast = members.toSorted();
        const newest = newestLast.findLast(hasReference) ?? (requireReference ? undefined : newestLast.at(-1));
        if (newest !== undefined) return [newest];
        return members.length === 0 ? ("noFitPrompt" as const) : ("noReference" as const);
      },
      take: (record: Parameters<typeof answerOf>[0]) => promptOf(record, fitness),
      toRows: ([asked]: readonly Answer[]) =>
        asked ? { lines: [onlineGrpoLine(asked, shape)], used: [asked] } : ("noFitPrompt" as const),
      maxRows: maxPrompts,
    };
    yield* linesFromChosen(store, index, books, chosen, signal);
  });
}

/** Picks `groupSize` answers evenly spaced by rank, the best first; the best and the worst are always among them. */
export function spread(groupSize: number): Choose {
  return (members, { overall }) => {
    const last = members.length - 1;
    if (members.length < groupSize) return "groupTooSmall";
    const at = (rank: number) => members[rank] as number;
    if (scoreGap(overall[at(last)] as number, overall[at(0)] as number) === 0) return "zeroVariance";
    const picked: number[] = [];
    for (let i = 0; i < groupSize; i++) picked.push(at(last - Math.round((i * last) / (groupSize - 1))));
    return picked;
  };
}

/** @throws ConfigError unless it is a size a group can have */
export function checkGroupSize(groupSize: number): void {
  if (Number.isSafeInteger(groupSize) && groupSize >= 2 && groupSize <= 1024) return;
  throw new ConfigError(`groupSize is ${groupSize}: use a whole number from 2 to 1024 (4 or 8 are usual)`);
}

function isOneGroup(one: StoredInteraction, other: StoredInteraction): boolean {
  if (one.groupId === undefined && other.groupId === undefined) return isSamePrompt(one, other);
  return one.groupId === other.groupId;
}

/** How many turns, the answers not counted, all conversations begin with. */
function sharedTurns(best: Answer, others: readonly Answer[]): number {
  if (others.every(({ interaction }) => isSamePrompt(best.interaction, interaction))) return best.prompt.length;
  const texts = best.prompt.map((turn) => JSON.stringify(turn));
  let shared = texts.length;
  for (const { prompt } of others) {
    const differs = texts.findIndex((text, at) => at >= prompt.length || JSON.stringify(prompt[at]) !== text);
    if (differs >= 0) shared = Math.min(shared, differs);
  }
  return shared;
}
