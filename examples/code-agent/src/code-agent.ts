import { logged, presets } from "@whetstone/agent-wrappers";
import type { InteractionLogger } from "@whetstone/core";
import type { CodeAnswer } from "./code-answer.js";
import type { Solve } from "./solve-task.js";
import { referenceOf, type Task } from "./tasks.js";

export interface CodeAgent {
  answer(task: Task): Promise<CodeAnswer>;
}

/**
 * An agent whose every answer is recorded: the decorator sees the call and its result, the agent knows of nothing.
 * `variant` names the policy behind `solve`, be it our library or a model.
 */
export function createCodeAgent(logger: InteractionLogger, variant: string, solve: Solve): CodeAgent {
  class RecordedCodeAgent {
    @logged({
      logger,
      agentType: "code",
      variant,
      // Answer, messages, model and usage are found by the wrapper itself; the preset reads language, length and result.
      describe: ([task], result, end) => ({
        ...presets.code([task], result, end),
        query: (task as Task).question,
        reference: referenceOf(task as Task),
        groupId: (task as Task).id,
      }),
    })
    async answer(task: Task): Promise<CodeAnswer> {
      return solve(task);
    }
  }
  return new RecordedCodeAgent();
}
