import { logged } from "@whetstone/agent-wrappers";
import type { InteractionLogger } from "@whetstone/core";
import type { Answer, RagAnswer } from "./rag-answer.js";

export interface RagAgent {
  ask(question: string): Promise<RagAnswer>;
}

/**
 * An agent whose every answer is recorded. The `rag` preset reads sources, retrieval method and citation quality from
 * what it gives back, so nothing needs to be described here.
 */
export function createRagAgent(logger: InteractionLogger, variant: string, answer: Answer): RagAgent {
  class RecordedRagAgent {
    @logged({ logger, agentType: "rag", variant })
    async ask(question: string): Promise<RagAnswer> {
      return answer(question);
    }
  }
  return new RecordedRagAgent();
}
