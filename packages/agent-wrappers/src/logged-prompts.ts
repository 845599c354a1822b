import {
  type ChatMessage,
  ConfigError,
  type InteractionFilter,
  type InteractionStore,
  promptKey,
  type ToolSchema,
} from "@whetstone/core";

/** A question as somebody asked it, to be asked again. */
export interface LoggedPrompt {
  readonly agentType: string;
  /** The last user turn. */
  readonly query: string;
  /** The conversation up to and including that turn, where it has more than it. What the agent did after it is not part. */
  readonly messages?: readonly ChatMessage[] | undefined;
  readonly tools?: readonly ToolSchema[] | undefined;
  /** The right answer, where it is known. */
  readonly reference?: string | undefined;
}

export interface LoggedPromptsOptions extends Pick<InteractionFilter, "agentTypes" | "startTime" | "endTime"> {
  /** At most so many, the newest. Default 1,000. */
  readonly limit?: number | undefined;
  /** Only prompts whose right answer is known, for a verifier to score by. Default false. */
  readonly requireReference?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The prompts of a store, the newest first, each once however often it was asked. What ended in an error is among them:
 * a prompt that an agent fails on is worth asking again. Remembers the `limit` prompts that it gave.
 * @throws ConfigError when the limit makes no sense
 */
export async function* loggedPrompts(
  store: InteractionStore,
  { limit = 1_000, requireReference = false, ...filter }: LoggedPromptsOptions = {},
): AsyncGenerator<LoggedPrompt, void, void> {
  if (!(Number.isSafeInteger(limit) && limit >= 1)) {
    throw new ConfigError(`limit is ${limit}: use a whole number from 1 on, or leave it out`);
  }
  const given = new Set<string>();
  for await (const batch of store.query({ ...filter, order: "desc" })) {
    for (const { agentType, query, messages, tools, reference } of batch) {
      if (query.trim() === "" || (requireReference && !reference?.trim())) continue;
      const asked = askedTurns(messages);
      const prompt: LoggedPrompt = { agentType, query, messages: asked, tools, reference };
      const key = keyOfPrompt(prompt);
      if (given.has(key)) continue;
      given.add(key);
      yield prompt;
      if (given.size === limit) return;
    }
  }
}

/** What two prompts have in common that ask the same. */
export function keyOfPrompt({ agentType, query, messages }: LoggedPrompt): string {
  return promptKey({ agentType, query, ...(messages && { messages: [...messages] }) });
}

/** A trajectory without what the agent made of the last question; undefined where that question is all. */
function askedTurns(messages: readonly ChatMessage[] | undefined): readonly ChatMessage[] | undefined {
  const last = messages?.findLastIndex(({ role }) => role === "user") ?? -1;
  return last < 1 ? undefined : messages?.slice(0, last + 1);
}
