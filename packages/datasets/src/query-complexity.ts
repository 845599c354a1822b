import type { ChatMessage } from "@whetstone/core";

/** How demanding a prompt looks. */
export type QueryComplexity = "low" | "medium" | "high";

const LEVELS: readonly QueryComplexity[] = ["low", "medium", "high"];

/**
 * A rough measure by length: the last user turn is low below 100 characters, medium below 500, high from there on;
 * one step higher when the prompt has several user turns or tool calls.
 */
export function queryComplexity(prompt: readonly ChatMessage[]): QueryComplexity {
  const users = prompt.filter((turn) => turn.role === "user");
  const length = users.at(-1)?.content.length ?? 0;
  const steps = users.length > 1 || prompt.some((turn) => turn.tool_calls?.length) ? 1 : 0;
  const level = (length < 100 ? 0 : length < 500 ? 1 : 2) + steps;
  return LEVELS[Math.min(level, 2)] ?? "high";
}
