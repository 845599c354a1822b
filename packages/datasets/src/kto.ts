import { ConfigError, type FetchedRecord, IndexFlag, type InteractionStore } from "@whetstone/core";
import { answerOf, correctedAnswerOf } from "./answer.js";
import {
  type AnswerOptions,
  checkCount,
  checkedSimilarAnswers,
  checkShare,
  commonRules,
  selection,
  shownRules,
} from "./build-options.js";
import { type InteractionDrop, tally } from "./build-report.js";
import { type DatasetBuild, datasetBuild } from "./dataset-build.js";
import { type KtoRow, ktoLine } from "./dataset-rows.js";
import { fitnessRules } from "./fitness.js";
import { scanEligible } from "./index-scan.js";
import { repeatFinder } from "./repeated-answers.js";
import { similarAnswerFinder } from "./similar-answers.js";
import { type InteractionRows, linesFromEach } from "./single-answers.js";

export interface KtoOptions extends AnswerOptions {
  /** An answer is wanted when its effective overall is at least this. Default 0.8. */
  readonly minQuality?: number | undefined;
  /** An answer is unwanted when its effective overall is at most this; what lies between is left out. Default 0.5. */
  readonly maxQuality?: number | undefined;
  /** At most so many interactions, the newest. One whose answer was corrected gives two rows. */
  readonly maxSamples?: number | undefined;
}

/**
 * Builds rows of one answer and whether it is wanted, oldest first: no second answer to the same prompt is needed. Where
 * somebody corrected an answer, the correction is a wanted row beside it.
 * @throws ConfigError at once when an option is wrong
 */
export function buildKtoDataset(store: InteractionStore, options: KtoOptions = {}): DatasetBuild<KtoRow> {
  const { minQuality = 0.8, maxQuality = 0.5, maxSamples = Infinity } = options;
  const rules = commonRules(options);
  const { format } = rules;
  const maxSimilarAnswers = checkedSimilarAnswers(options);
  checkShare("minQuality", minQuality);
  checkShare("maxQuality", maxQuality);
  checkCount("maxSamples", maxSamples, 1);
  if (maxQuality >= minQuality) {
    throw new ConfigError(
      `maxQuality is ${maxQuality} and minQuality ${minQuality}: no answer can be both wanted and not`,
    );
  }
  const filter = selection(options);
  const books = tally("kto", rules);
  const settings = { minQuality, maxQuality, maxSamples, ...shownRules(rules), maxSimilarAnswers };

  return datasetBuild("kto", settings, books, async function* (signal) {
    const fitness = await fitnessRules(store, rules, books);
    const index = await scanEligible(store, filter, books, { unscored: "corrected" }, signal);
    const hasTools = (index.allFlags & IndexFlag.tools) !== 0;
    const shape = { format, hasTools, hasTasks: index.hasTasks };
    const isRepeat = await repeatFinder(index);
    const isLikeTooMany = similarAnswerFinder(maxSimilarAnswers);
    const toRows = (record: FetchedRecord, row: number): InteractionRows | InteractionDrop => {
      const corrected = correctedAnswerOf(record, fitness);
      const given = answerOf(record, fitness);
      const labelled = typeof given === "string" ? given : labelOf(given.score.overall);
      const rows = [
        ...(corrected && typeof corrected !== "string" ? [{ answer: corrected, label: true }] : []),
        ...(typeof given !== "string" && typeof labelled === "boolean" ? [{ answer: given, label: labelled }] : []),
      ];
      const fresh = rows.filter(({ answer }) => !isRepeat(row, answer.answer.content));
      const few = fresh.filter(({ answer }) => !isLikeTooMany(answer.answer.content));
      const [first] = few;
      if (first) return { answer: first.answer, lines: few.map(({ answer, label }) => ktoLine(answer, label, shape)) };
      if (fresh.length > 0) return "similarAnswer";
      if (rows.length > 0) return "duplicateAnswer";
      return typeof labelled === "string" ? labelled : "betweenLabels";
    };
    yield* linesFromEach(store, index, books, { toRows, most: maxSamples }, signal);
  });

  function labelOf(overall: number): boolean | "betweenLabels" {
    if (overall >= minQuality) return true;
    return overall <= maxQuality ? false : "betweenLabels";
  }
}
