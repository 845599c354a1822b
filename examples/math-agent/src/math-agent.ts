import { logged, presets } from "@whetstone/agent-wrappers";
import type { InteractionLogger } from "@whetstone/core";
import type { MathAnswer, Solve } from "./math-answer.js";
import type { Task } from "./tasks.js";

export interface MathAgent {
  answer(task: Task): Promise<MathAnswer>;
}

/**
 * An agent whose every answer is recorded: the decorator sees the call and its result, the agent knows of nothing.
 * `variant` names the policy behind `solve`, be it a planner or a model.
 */
export function createMathAgent(logger: InteractionLogger, variant: string, solve: Solve): MathAgent {
  class RecordedMathAgent {
    @logged({
      logger,
      agentType: "math",
      variant,
      // Question, answer, messages and tools are found by the wrapper itself; what it cannot know is said here.
      describe: ([task], result, end) => ({
        ...presets.math([task], result, end),
        query: (task as Task).question,
        reference: (task as Task).reference,
        groupId: (task as Task).id,
      }),
    })
    async answer(task: Task): Promise<MathAnswer> {
      return solve(task.question);
    }
  }
  return new RecordedMathAgent();
}
