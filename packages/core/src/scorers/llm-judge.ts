import type { StoredInteraction } from "../annotation.js";
import { type Score, type Scorer, scorer } from "../scorer.js";
import { saysNothing } from "./degenerate-answer.js";
import { type JudgeOptions, judgeClient } from "./judge-client.js";
import { refuseInjection } from "./judge-injection.js";
import { judgePrompt, rubricTask } from "./judge-prompt.js";
import { parseVerdict, rubricSchema } from "./judge-verdict.js";
import { checkRubric, type Rubric, rubricFor } from "./rubrics.js";

export interface LlmJudgeOptions extends JudgeOptions {
  /** Default: the shipped rubric of the interaction's agent type. */
  readonly rubric?: Rubric | undefined;
}

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
  const { model, rubric, maxPartChars = 24_000 } = options;
  if (rubric) checkRubric(rubric);
  const client = judgeClient(options);

  const judge = scorer(`judge:${model}@${rubric?.id ?? "auto-v1"}`, async (interaction, context) => {
    const criteria = criteriaFor(interaction);
    if (saysNothing(interaction)) return lowest(criteria);
    const task = rubricTask(interaction, criteria);
    refuseInjection(task, options);
    return client.remembered([criteria, task.parts, maxPartChars], async () => {
      const { nonce, messages } = judgePrompt(task, maxPartChars);
      const reply = await client.ask({ messages, schema: rubricSchema(criteria) }, context);
      return parseVerdict(reply, criteria, nonce);
    });
  });
  return Object.assign(judge, {
    estimate(interaction: StoredInteraction) {
      if (saysNothing(interaction)) return { calls: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 };
      const criteria = criteriaFor(interaction);
      const { messages } = judgePrompt(rubricTask(interaction, criteria), maxPartChars);
      return client.estimate({ messages, schema: rubricSchema(criteria) });
    },
  });

  function criteriaFor({ agentType }: StoredInteraction): Rubric {
    return rubric ?? rubricFor(agentType);
  }
}

function lowest({ criteria }: Rubric): Score {
  const scores = Object.fromEntries(criteria.map(({ id }) => [id, 0]));
  return { scores: { ...scores, overall: 0 }, rationale: "the answer says nothing; no judge was asked" };
}
