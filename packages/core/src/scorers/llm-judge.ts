import type { StoredInteraction } from "../annotation.js";
import { onDemand } from "../on-demand.js";
import { type Scorer, scorer } from "../scorer.js";
import { checkJudgeOptions } from "./judge-options.js";
import type { LlmJudgeOptions } from "./llm-judging.js";
import { rubricChoice } from "./rubrics.js";

/**
 * A language model as judge, through any OpenAI-compatible endpoint; needs the `openai` package. Anything but exactly
 * one well-formed verdict that carries this call's nonce throws SCORING_UNPARSABLE, so the interaction stays unscored.
 * An answer that says nothing scores 0 without a call.
 *
 * @example
 * const judge = llmJudge({ model: "gpt-4.1-mini", rubric: rubrics.math });
 * await scoreInteractions(store, judge);
 */
export function llmJudge(options: LlmJudgeOptions): Scorer {
  const rubrics = rubricChoice(options);
  checkJudgeOptions(options);
  const judging = onDemand(async () => {
    const { llmJudging } = await import("./llm-judging.js");
    return llmJudging(options, rubrics);
  });
  const judge = scorer(`judge:${options.model}@${rubrics.id}`, async (interaction, context) =>
    (await judging()).score(interaction, context),
  );
  return Object.assign(judge, {
    estimate: async (interaction: StoredInteraction) => (await judging()).estimate(interaction),
  });
}
