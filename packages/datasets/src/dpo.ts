import { IndexFlag, type InteractionStore } from "@whetstone/core";
import type { Answer } from "./answer.js";
import { type BuildOptions, checkChoice, checkCount, checkedFormat, checkShare, selection } from "./build-options.js";
import { type PromptDrop, tally } from "./build-report.js";
import { type Choose, linesFromChosen } from "./chosen-answers.js";
import { type DatasetBuild, datasetBuild } from "./dataset-build.js";
import { type DpoRow, dpoLine } from "./dataset-rows.js";
import { indexRowsCollector } from "./index-rows.js";
import { scoreGap } from "./score-gap.js";

export interface DpoOptions extends BuildOptions {
  /** The chosen answer scores at least this much more than the rejected one. Default 0.2. */
  readonly minQualityDiff?: number | undefined;
  /** At most so many pairs, those of the prompts answered last. */
  readonly maxPairs?: number | undefined;
  /** `best-worst`: the best and the worst answer to a prompt, one pair a prompt. */
  readonly pairing?: "best-worst" | undefined;
}

/**
 * Builds preference pairs out of different answers to the same prompt, in the order of each prompt's newest answer.
 * @throws ConfigError at once when an option is wrong
 */
export function buildDpoDataset(store: InteractionStore, options: DpoOptions = {}): DatasetBuild<DpoRow> {
  const { minQualityDiff = 0.2, maxPairs = Infinity, pairing = "best-worst" } = options;
  const { format, controlTokens } = checkedFormat(options);
  checkShare("minQualityDiff", minQualityDiff);
  checkCount("maxPairs", maxPairs, 1);
  checkChoice("pairing", pairing, ["best-worst"]);
  const filter = selection(options);
  const books = tally("dpo");
  const { agentTypes, daysBack } = options;
  const settings = { minQualityDiff, maxPairs, agentTypes, daysBack, pairing, format, controlTokens };

  return datasetBuild("dpo", settings, books, async function* (signal) {
    const collector = indexRowsCollector(books);
    for await (const batch of store.scanIndex(filter)) {
      signal?.throwIfAborted();
      collector.add(batch);
    }
    const index = collector.rows();
    const shape = { format, hasTools: format === "conversational" && (index.flags & IndexFlag.tools) !== 0 };
    const toLine = ([chosen, rejected]: readonly Answer[]): { line: string } | PromptDrop => {
      if (!chosen || !rejected) return "singleAnswer";
      if (isTooClose(chosen.score.overall, rejected.score.overall, minQualityDiff)) return "gapTooSmall";
      if (isSameAnswer(chosen, rejected)) return "identicalAnswers";
      return { line: dpoLine(chosen, rejected, shape) };
    };
    const rules = { choose: bestAndWorst(minQualityDiff), toLine, maxRows: maxPairs, format, controlTokens };
    yield* linesFromChosen(store, index, books, rules, signal);
  });
}

/** Picks the best and the worst answer where their scores are far enough apart. */
export function bestAndWorst(minQualityDiff: number): Choose {
  return (members, overall) => {
    const [worst, best] = [members[0], members[members.length - 1]];
    if (members.length < 2 || worst === undefined || best === undefined) return "singleAnswer";
    if (isTooClose(overall[best] as number, overall[worst] as number, minQualityDiff)) return "gapTooSmall";
    return [best, worst];
  };
}

// Equal scores say nothing about which answer is better, so 0 is too close even when no gap is asked for.
function isTooClose(higher: number, lower: number, minQualityDiff: number): boolean {
  const gap = scoreGap(higher, lower);
  return gap <= 0 || gap < minQualityDiff;
}

function isSameAnswer({ answer: a }: Answer, { answer: b }: Answer): boolean {
  return (
    a.content.trim() === b.content.trim() && JSON.stringify(a.tool_calls ?? []) === JSON.stringify(b.tool_calls ?? [])
  );
}
