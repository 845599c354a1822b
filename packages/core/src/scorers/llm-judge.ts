import type { StoredInteraction } from "../annotation.js";
import { type Score, type Scorer, scorer } from "../scorer.js";
import { saysNothing } from "./degenerate-answer.js";
import { type JudgeOptions, judgeClient } from "./judge-client.js";
import { refuseInjection } from "./judge-injection.js";
import { judgePrompt, rubricTask } from "./judge-prompt.js";
import { parseVerdict, rubricSchema } from "./judge-verdict.js";
import { type Rubric, type RubricOptions, rubricChoice } from "./rubrics.js";

export interface LlmJudgeOptions extends JudgeOptions, RubricOptions {}

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
  const { model, maxPartChars = 24_000 } = options;
  const rubrics = rubricChoice(options);
  const client = judgeClient(options);

  const judge = scorer(`judge:${model}@${rubrics.id}`, async (interaction, context) => {
    const criteria = rubrics.of(interaction);
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
      const criteria = rubrics.of(interaction);
      const { messages } = judgePrompt(rubricTask(interaction, criteria), maxPartChars);
      return client.estimate({ messages, schema: rubricSchema(criteria) });
    },
  });
}

function lowest({ criteria }: Rubric): Score {
  const scores = Object.fromEntries(criteria.map(({ id }) => [id, 0]));
  return { scores: { ...scores, overall: 0 }, rationale: "the answer says nothing; no judge was asked" };
}
