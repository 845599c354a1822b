import { ConfigError, type FetchedRecord, IndexFlag, type InteractionStore } from "@whetstone/core";
import { type Answer, type AnswerRules, answerOf, correctedAnswerOf, rejectedAnswerOf } from "./answer.js";
import {
  type AnswerOptions,
  checkChoice,
  checkCount,
  checkedSimilarAnswers,
  checkShare,
  commonRules,
  selection,
  shownRules,
} from "./build-options.js";
import { type InteractionDrop, type PromptDrop, tally } from "./build-report.js";
import { type Choose, linesFromChosen, type PromptRows } from "./chosen-answers.js";
import { type DatasetBuild, datasetBuild } from "./dataset-build.js";
import type { RowShape } from "./dataset-rows.js";
import { fitnessRules } from "./fitness.js";
import type { IndexRows } from "./index-rows.js";
import { scanEligible } from "./index-scan.js";
import { scoreGap } from "./score-gap.js";
import { similarAnswerFinder } from "./similar-answers.js";

/** How answers to one prompt are paired. */
export interface PairOptions extends AnswerOptions {
  /** The chosen answer scores at least this much more than the rejected one. Default 0.2. */
  readonly minQualityDiff?: number | undefined;
  /** At most so many pairs, those of the prompts answered last. */
  readonly maxPairs?: number | undefined;
  /**
   * `best-worst` (default): one pair a prompt, of its best and its worst answer. `all`: every pair with a gap, the
   * widest first. `demonstration`: only pairs of a corrected answer and the original. The first two make such a pair
   * as well, before any other: a correction is the clearest preference there is.
   */
  readonly pairing?: "best-worst" | "all" | "demonstration" | undefined;
  /** With `pairing: "all"`: at most so many pairs of one prompt. Default 4. */
  readonly maxPairsPerPrompt?: number | undefined;
}

/** Builds pairs, in the order of each prompt's newest answer. `toLine` writes one. */
export function buildPairs<Row>(
  kind: "dpo" | "reward",
  toLine: (chosen: Answer, rejected: Answer, shape: RowShape) => string,
  store: InteractionStore,
  options: PairOptions,
): DatasetBuild<Row> {
  const { minQualityDiff = 0.2, maxPairs = Infinity, pairing = "best-worst" } = options;
  const rules = commonRules(options);
  const { format } = rules;
  const maxPairsPerPrompt = pairing === "all" ? (options.maxPairsPerPrompt ?? 4) : 1;
  const maxSimilarAnswers = checkedSimilarAnswers(options);
  checkShare("minQualityDiff", minQualityDiff);
  checkCount("maxPairs", maxPairs, 1);
  checkChoice("pairing", pairing, ["best-worst", "all", "demonstration"]);
  if (!(Number.isSafeInteger(maxPairsPerPrompt) && maxPairsPerPrompt >= 1 && maxPairsPerPrompt <= 100)) {
    throw new ConfigError(`maxPairsPerPrompt is ${maxPairsPerPrompt}: use a whole number from 1 to 100`);
  }
  if (pairing !== "all" && (options.maxPairsPerPrompt ?? 1) !== 1) {
    throw new ConfigError(`maxPairsPerPrompt needs pairing "all": "${pairing}" gives one pair a prompt`);
  }
  const filter = selection(options);
  const books = tally(kind, rules);
  const settings = { minQualityDiff, maxPairs, ...shownRules(rules), pairing, maxPairsPerPrompt, maxSimilarAnswers };

  return datasetBuild(kind, settings, books, async function* (signal) {
    const fitness = await fitnessRules(store, rules, books);
    const index = await scanEligible(store, filter, books, { unscored: "corrected" }, signal);
    const hasTools = format === "conversational" && (index.allFlags & IndexFlag.tools) !== 0;
    const shape = { format, hasTools, hasTasks: index.hasTasks };
    const [isChosenTooOften, isRejectedTooOften] = [
      similarAnswerFinder(maxSimilarAnswers),
      similarAnswerFinder(maxSimilarAnswers),
    ];
    const toRows = (answers: readonly Answer[]): PromptRows | PromptDrop => {
      const pairs = pairsOf(answers, minQualityDiff);
      if (typeof pairs === "string") return pairs;
      const taken = pairs
        .slice(0, maxPairsPerPrompt)
        .filter(([{ answer: a }, { answer: b }]) => !isChosenTooOften(a.content) && !isRejectedTooOften(b.content));
      if (taken.length === 0) return "similarPair";
      const used = answers.filter((answer) => taken.some(([a, b]) => b === answer || a === answer));
      return { lines: taken.map(([chosen, rejected]) => toLine(chosen, rejected, shape)), used };
    };
    const choose = chooserOf(pairing, minQualityDiff, maxPairsPerPrompt);
    const take = (record: FetchedRecord, row: number) => taken(record, isCorrected(index, row), fitness);
    const chosen = { choose, take, toRows, maxRows: maxPairs, rowsAPrompt: maxPairsPerPrompt };
    yield* linesFromChosen(store, index, books, chosen, signal);
  });
}

/** Picks the best and the worst answer where their scores are far enough apart. */
export function bestAndWorst(minQualityDiff: number): Choose {
  return chooserOf("best-worst", minQualityDiff, 1);
}

function chooserOf(pairing: string, minQualityDiff: number, most: number): Choose {
  return (members, index) => {
    // Most stores hold no corrections at all, and this runs for every prompt.
    const hasCorrections = (index.allFlags & IndexFlag.demonstration) !== 0;
    const corrected = hasCorrections ? newestCorrected(members, index).subarray(-most) : NO_ROWS;
    if (pairing === "demonstration") return corrected.length > 0 ? [...corrected] : "noDemonstration";
    if (corrected.length === most) return [...corrected];
    const others = hasCorrections ? members.filter((row) => !isCorrected(index, row)) : members;
    const ends = endsOf(others, index);
    if (corrected.length === 0) return ends;
    return typeof ends === "string" ? [...corrected] : [...corrected, ...ends];
  };

  function newestCorrected(members: Uint32Array, index: IndexRows): Uint32Array {
    const rows = members.filter((row) => isCorrected(index, row));
    return rows.filter((row) => !isTooClose(1, index.overall[row] as number, minQualityDiff)).sort();
  }

  function endsOf(members: Uint32Array, { overall }: IndexRows): readonly number[] | PromptDrop {
    const [worst, best] = [members[0], members[members.length - 1]];
    if (members.length < 2 || worst === undefined || best === undefined) return "singleAnswer";
    if (isTooClose(overall[best] as number, overall[worst] as number, minQualityDiff)) return "gapTooSmall";
    if (most === 1) return [best, worst];
    // Of the `most` widest pairs none reaches further in than so many from either end.
    return [...new Set([...members.subarray(-most).toReversed(), ...members.subarray(0, most)])];
  }
}

const NO_ROWS = new Uint32Array(0);

const isCorrected = ({ flags }: IndexRows, row: number): boolean =>
  ((flags[row] as number) & IndexFlag.demonstration) !== 0;

/** An answer, with its correction where there is one. */
interface Corrected extends Answer {
  readonly correction?: Answer;
}

function taken(record: FetchedRecord, corrected: boolean, rules: AnswerRules): Corrected | InteractionDrop {
  const correction = corrected ? correctedAnswerOf(record, rules) : null;
  if (!correction) return answerOf(record, rules);
  if (typeof correction === "string") return correction;
  const original = rejectedAnswerOf(record, rules);
  return typeof original === "string" ? original : { ...original, correction };
}

/** All pairs of the answers to one prompt: corrections first, then the widest. */
function pairsOf(
  answers: readonly Corrected[],
  minQualityDiff: number,
): readonly (readonly [chosen: Answer, rejected: Answer])[] | PromptDrop {
  const corrected = answers.flatMap((answer) => (answer.correction ? [[answer.correction, answer] as const] : []));
  // By the scores of now, which may be newer than the index.
  const others = answers.filter(({ correction }) => !correction).toSorted((a, b) => b.score.overall - a.score.overall);
  const combined = others.flatMap((chosen, i) => others.slice(i + 1).map((rejected) => [chosen, rejected] as const));
  const all = [...corrected, ...combined.toSorted((a, b) => gapOf(b) - gapOf(a))];
  if (all.length === 0) return "singleAnswer";
  const wide = all.filter(([a, b]) => !isTooClose(a.score.overall, b.score.overall, minQualityDiff));
  if (wide.length === 0) return "gapTooSmall";
  const seen = new Set<string>();
  const distinct = wide.filter(([chosen, rejected]) => {
    const texts = [textOf(chosen), textOf(rejected)];
    if (texts[0] === texts[1]) return false;
    if (wide.length === 1) return true; // what most prompts have, and joining long texts is dear
    const both = texts.join("\0");
    const isNew = !seen.has(both);
    seen.add(both);
    return isNew;
  });
  return distinct.length > 0 ? distinct : "identicalAnswers";
}

const gapOf = ([chosen, rejected]: readonly [Answer, Answer]): number =>
  scoreGap(chosen.score.overall, rejected.score.overall);

const textOf = ({ answer: { content, tool_calls } }: Answer): string =>
  content.trim() + (tool_calls?.length ? JSON.stringify(tool_calls) : "");

// Equal scores say nothing about which answer is better, so 0 is too close even when no gap is asked for.
function isTooClose(higher: number, lower: number, minQualityDiff: number): boolean {
  const gap = scoreGap(higher, lower);
  return gap <= 0 || gap < minQualityDiff;
}
