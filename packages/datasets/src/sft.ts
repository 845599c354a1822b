import { ConfigError, IndexFlag, type InteractionStore } from "@whetstone/core";
import { answerOf, correctedAnswerOf } from "./answer.js";
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
import { tally } from "./build-report.js";
import { type DatasetBuild, datasetBuild } from "./dataset-build.js";
import { type SftRow, sftLine, sftTurnLines } from "./dataset-rows.js";
import { fitnessRules } from "./fitness.js";
import { scanEligible } from "./index-scan.js";
import { repeatFinder } from "./repeated-answers.js";
import { similarAnswerFinder } from "./similar-answers.js";
import { linesFromEach } from "./single-answers.js";

export interface SftOptions extends AnswerOptions {
  /** The effective overall is at least this. Default 0.8. A corrected answer counts as 1. */
  readonly minQuality?: number | undefined;
  /** At most so many interactions, the newest. With `perTurn` each gives several rows. */
  readonly maxSamples?: number | undefined;
  /** `messages` (default) or `prompt-completion`; plain strings (`format: "standard"`) are always the latter. */
  readonly mode?: "messages" | "prompt-completion" | undefined;
  /** A trajectory gives a prompt-completion row for each of its assistant turns, all with its score. Default false. */
  readonly perTurn?: boolean | undefined;
}

/**
 * Builds rows for supervised fine-tuning out of good answers, oldest first. Where somebody corrected an answer, the
 * correction takes its place. An answer that repeats an earlier one to the same prompt word for word is left out.
 * @throws ConfigError at once when an option is wrong
 */
export function buildSftDataset(store: InteractionStore, options: SftOptions = {}): DatasetBuild<SftRow> {
  const { minQuality = 0.8, maxSamples = Infinity, perTurn = false } = options;
  const rules = commonRules(options);
  const { format } = rules;
  const mode = options.mode ?? (format === "standard" || perTurn ? "prompt-completion" : "messages");
  const maxSimilarAnswers = checkedSimilarAnswers(options);
  checkShare("minQuality", minQuality);
  checkCount("maxSamples", maxSamples, 1);
  checkChoice("mode", mode, ["messages", "prompt-completion"]);
  if (format === "standard" && mode === "messages") {
    throw new ConfigError(
      'mode "messages" needs message lists: use format "conversational", or mode "prompt-completion"',
    );
  }
  if (perTurn && (mode === "messages" || format === "standard")) {
    const other = format === "standard" ? 'format "standard"' : 'mode "messages"';
    throw new ConfigError(`perTurn makes prompt-completion rows of messages: leave ${other} or perTurn out`);
  }
  const filter = selection(options);
  const books = tally("sft", rules);
  const settings = { minQuality, maxSamples, ...shownRules(rules), mode, perTurn, maxSimilarAnswers };

  return datasetBuild("sft", settings, books, async function* (signal) {
    const fitness = await fitnessRules(store, rules, books);
    const taken = { minQuality, unscored: "corrected", corrected: true } as const;
    const index = await scanEligible(store, filter, books, taken, signal);
    const hasTools = (index.allFlags & IndexFlag.tools) !== 0;
    const shape = { mode, format, hasTools, hasTasks: index.hasTasks };
    const isRepeat = await repeatFinder(index);
    const isLikeTooMany = similarAnswerFinder(maxSimilarAnswers);
    yield* linesFromEach(
      store,
      index,
      books,
      {
        most: maxSamples,
        toRows(record, row) {
          const answer = correctedAnswerOf(record, fitness) ?? answerOf(record, fitness);
          if (typeof answer === "string") return answer;
          // Somebody may have given a new score since the index was read.
          if (answer.score.overall < minQuality) return "belowMinQuality";
          if (isRepeat(row, answer.answer.content)) return "duplicateAnswer";
          if (isLikeTooMany(answer.answer.content)) return "similarAnswer";
          return { answer, lines: perTurn ? sftTurnLines(answer, shape) : [sftLine(answer, shape)] };
        },
      },
      signal,
    );
  });
}
