import { wrapAgent } from "@whetstone/agent-wrappers";
import type { InteractionLogger } from "@whetstone/core";
import OpenAI from "openai";
import type { Lesson, Sum } from "./sums.js";

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

interface SumsAgentOptions {
  readonly logger: InteractionLogger;
  readonly temperature: number;
  /** Answers that the model is shown before each question, for one that does not know the form of them. */
  readonly examples: readonly Lesson[];
}

/** An agent that answers sums with a model behind an OpenAI-compatible endpoint. Every call of it is recorded. */
export function sumsAgent({ baseURL, model }: ModelAddress, options: SumsAgentOptions): SumsAgent {
  const { logger, temperature, examples } = options;
  const shown = examples.flatMap(({ question, answer }) => [
    { role: "user" as const, content: question },
    { role: "assistant" as const, content: answer },
  ]);
  const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0, timeout: 600_000 });
  const answer = async ({ question }: Sum): Promise<SumsAnswer> => {
    const completion = await client.chat.completions.create({
      model,
      messages: [...shown, { role: "user", content: question }],
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
    describe: ([sum], result) => ({
      query: sum.question,
      reference: sum.reference,
      ...(shown.length > 0 &&
        result && {
          messages: [...shown, { role: "user", content: sum.question }, { role: "assistant", content: result.answer }],
        }),
    }),
  });
}
