import { calibratedSources, type InteractionStore } from "@whetstone/core";
import type { AnswerRules } from "./answer.js";
import type { CommonRules } from "./build-options.js";
import type { Tally } from "./build-report.js";
import { readEvalFiles } from "./decontamination.js";

/** Reads what the rules on answers need: files of evaluations, and how well scorers agree with people. */
export async function fitnessRules(
  store: InteractionStore,
  rules: CommonRules,
  books: Pick<Tally, "calibrations">,
): Promise<CommonRules & AnswerRules> {
  books.calibrations = await store.calibrations();
  const { requireCalibration } = rules;
  return {
    ...rules,
    evals: await readEvalFiles(rules.decontaminate),
    isTrusted: requireCalibration === undefined ? null : calibratedSources(books.calibrations, requireCalibration),
  };
}
