import { wrapAgent } from "@whetstone/agent-wrappers";
import type { InteractionLogger } from "@whetstone/core";
import OpenAI from "openai";
import type { Sum } from "./sums.js";

/** Where a model answers, and under which name: all that changes when the agent gets a better one. */
export interface ModelAddress {
  readonly baseURL: string;
  readonly model: string;
}

export type SumsAgent = (sum: Sum) => Promise<SumsAnswer>;

interface SumsAnswer {
  readonly answer: string;
  readonly model: string;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number };
}

/** An agent that answers sums with a model behind an OpenAI-compatible endpoint. Every call of it is recorded. */
export function sumsAgent(
  { baseURL, model }: ModelAddress,
  { logger, temperature }: { readonly logger: InteractionLogger; readonly temperature: number },
): SumsAgent {
  const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0, timeout: 120_000 });
  const answer = async ({ question }: Sum): Promise<SumsAnswer> => {
    const completion = await client.chat.completions.create({
      model,
      messages: [{ role: "user", content: question }],
      temperature,
      max_completion_tokens: 24,
    });
    const { prompt_tokens = 0, completion_tokens = 0 } = completion.usage ?? {};
    return {
      answer: completion.choices[0]?.message.content ?? "",
      model: completion.model,
      usage: { inputTokens: prompt_tokens, outputTokens: completion_tokens },
    };
  };
  return wrapAgent(answer, {
    logger,
    agentType: "math",
    describe: ([sum]) => ({ query: sum.question, reference: sum.reference }),
  });
}
