import { type ChatMessage, DatasetError, promptKey } from "@whetstone/core";

/**
 * Whether a row belongs to the test part. Decided by a hash of how its conversation opens (up to the first user
 * turn), so all rows of one prompt stand on one side, in every dataset built with this share, now and later.
 */
export function isTestRow(row: object, testShare: number): boolean {
  const { prompt, messages } = row as { prompt?: unknown; messages?: unknown };
  const key = promptKey({ agentType: "", ...openingOf(messages ?? prompt) });
  return Number.parseInt(key.slice(0, 8), 16) / 2 ** 32 < testShare;
}

function openingOf(turns: unknown): { query: string; messages?: ChatMessage[] } {
  if (typeof turns === "string") return { query: turns };
  if (!Array.isArray(turns)) {
    throw new DatasetError("DATASET_INVALID_ROW", "testShare needs rows with a prompt or messages to split by");
  }
  const messages = turns as ChatMessage[];
  const asked = messages.findIndex((turn) => turn.role === "user");
  return { query: "", messages: messages.slice(0, asked + 1) };
}
