import type { StoredInteraction } from "../annotation.js";
import type { Score, ScorerContext, ScoringEstimate } from "../scorer.js";
import { saysNothing } from "./degenerate-answer.js";
import { judgeClient } from "./judge-client.js";
import { refuseInjection } from "./judge-injection.js";
import type { JudgeOptions } from "./judge-options.js";
import { judgePrompt, rubricTask } from "./judge-prompt.js";
import { parseVerdict, rubricSchema } from "./judge-verdict.js";
import type { Rubric, RubricChoice, RubricOptions } from "./rubrics.js";

export interface LlmJudgeOptions extends JudgeOptions, RubricOptions {}

export interface LlmJudging {
  score(interaction: StoredInteraction, context: ScorerContext): Promise<Score | null>;
  estimate(interaction: StoredInteraction): ScoringEstimate;
}

/** How `llmJudge` judges; it loads this with the first call. */
export function llmJudging(options: LlmJudgeOptions, rubrics: RubricChoice): LlmJudging {
  const { maxPartChars = 24_000 } = options;
  const client = judgeClient(options);

  return {
    async score(interaction, context) {
      const criteria = rubrics.of(interaction);
      if (saysNothing(interaction)) return lowest(criteria);
      const task = rubricTask(interaction, criteria);
      refuseInjection(task, options);
      return client.remembered([criteria, task.parts, maxPartChars], async () => {
        const { nonce, messages } = judgePrompt(task, maxPartChars);
        const reply = await client.ask({ messages, schema: rubricSchema(criteria) }, context);
        return parseVerdict(reply, criteria, nonce);
      });
    },

    estimate(interaction) {
      if (saysNothing(interaction)) return { calls: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 };
      const criteria = rubrics.of(interaction);
      const { messages } = judgePrompt(rubricTask(interaction, criteria), maxPartChars);
      return client.estimate({ messages, schema: rubricSchema(criteria) });
    },
  };
}

function lowest({ criteria }: Rubric): Score {
  const scores = Object.fromEntries(criteria.map(({ id }) => [id, 0]));
  return { scores: { ...scores, overall: 0 }, rationale: "the answer says nothing; no judge was asked" };
}
