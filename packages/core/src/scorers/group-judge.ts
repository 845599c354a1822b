import type { StoredInteraction } from "../annotation.js";
import { onDemand } from "../on-demand.js";
import type { Score, ScorerContext } from "../scorer.js";
import type { GroupJudgeOptions } from "./group-judging.js";
import { checkJudgeOptions } from "./judge-options.js";
import { rubricChoice } from "./rubrics.js";

/** Ranks the answers to one prompt. One score for each, in the order given: 1 is the best of the group, 0 the worst. */
export interface GroupJudge {
  (group: readonly StoredInteraction[], context?: ScorerContext): Promise<Score[]>;
  readonly source: string;
}

/**
 * A language model that ranks 2 to 8 answers to one prompt in one call, with the prompt sent once and the answers
 * shuffled. The scores are relative to the group, as GRPO needs them: do not compare them between prompts. Equal answers
 * share a place, and what says nothing comes last unseen. Takes the endpoint, limits and protection of `llmJudge`.
 *
 * @example
 * const scores = await groupJudge({ model: "gpt-4.1-mini" })(fourAnswersToOnePrompt);
 */
export function groupJudge(options: GroupJudgeOptions): GroupJudge {
  const rubrics = rubricChoice(options);
  checkJudgeOptions(options);
  const judging = onDemand(async () => {
    const { groupJudging } = await import("./group-judging.js");
    return groupJudging(options, rubrics);
  });
  const rank = async (group: readonly StoredInteraction[], context?: ScorerContext) =>
    (await judging())(group, context);
  return Object.assign(rank, { source: `judge:${options.model}@${rubrics.id}-group` });
}
