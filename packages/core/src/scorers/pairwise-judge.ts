import type { StoredInteraction } from "../annotation.js";
import { onDemand } from "../on-demand.js";
import type { ScorerContext } from "../scorer.js";
import { checkJudgeOptions } from "./judge-options.js";
import type { PairwiseJudgeOptions, Preference } from "./pairwise-judging.js";
import { rubricChoice } from "./rubrics.js";

/** Compares two answers. Null means that the judge changed its mind when the answers changed places. */
export interface PairwiseJudge {
  (first: StoredInteraction, second: StoredInteraction, context?: ScorerContext): Promise<Preference | null>;
  readonly source: string;
}

/**
 * A language model that says which of two answers is better. It is asked twice, the answers in both orders, since models
 * favour a place; what it does not say both times is null. Takes the endpoint, limits and protection of `llmJudge`.
 *
 * @example
 * const preference = await pairwiseJudge({ model: "gpt-4.1-mini" })(one, another);
 */
export function pairwiseJudge(options: PairwiseJudgeOptions): PairwiseJudge {
  const rubrics = rubricChoice(options);
  checkJudgeOptions(options);
  const judging = onDemand(async () => {
    const { pairwiseJudging } = await import("./pairwise-judging.js");
    return pairwiseJudging(options, rubrics);
  });
  const compare = async (first: StoredInteraction, second: StoredInteraction, context?: ScorerContext) =>
    (await judging())(first, second, context);
  return Object.assign(compare, { source: `judge:${options.model}@${rubrics.id}-pairwise` });
}
