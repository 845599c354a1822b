import OpenAI from "openai";
import type {
  ChatCompletionMessage,
  ChatCompletionMessageParam,
  ChatCompletionTool,
} from "openai/resources/chat/completions";

/** Answers a conversation with one message. */
export type ChatModel = (
  messages: readonly ChatCompletionMessageParam[],
  tools?: readonly ChatCompletionTool[],
) => Promise<ChatReply>;

export interface ChatReply {
  readonly message: ChatCompletionMessage;
  /** What the endpoint says has answered. */
  readonly model: string;
  readonly usage: TokenUsage;
}

export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** A model behind any endpoint that speaks the OpenAI chat completions API. */
export function chatModel(client: OpenAI, model: string): ChatModel {
  return async (messages, tools = []) => {
    const completion = await client.chat.completions.create({
      model,
      messages: [...messages],
      ...(tools.length > 0 && { tools: [...tools] }),
    });
    const message = completion.choices[0]?.message;
    if (!message) throw new Error(`${model} gave no message`);
    const { prompt_tokens: inputTokens = 0, completion_tokens: outputTokens = 0 } = completion.usage ?? {};
    return { message, model: completion.model || model, usage: { inputTokens, outputTokens } };
  };
}

/** A client for `OPENAI_BASE_URL`, else for OpenAI. @throws when the environment names neither a server nor a key */
export function clientFromEnvironment(): OpenAI {
  const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseURL } = process.env;
  if (!apiKey && !baseURL) {
    throw new Error("no model to ask: set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own");
  }
  // A server of one's own often needs no key, but the client insists on one.
  return new OpenAI({ apiKey: apiKey || "none" });
}

/** The model to ask unless another one is named. */
export const defaultModel = (): string => process.env.OPENAI_MODEL || "gpt-4o-mini";

export function addUsage(one: TokenUsage, other: TokenUsage): TokenUsage {
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
  };
}
