import { hash } from "node:crypto";
import type { ChatMessage } from "./chat-message.js";
import { beginHash, endHash, hashCollapsed, hashText } from "./hash.js";
import type { Interaction } from "./interaction.js";

/** Changes whenever `promptKey` gives another value for the same interaction; indexes made by another version are rebuilt. */
export const PROMPT_KEY_VERSION = 1;

/** What `promptKey` looks at. */
export type Prompted = Pick<Interaction, "agentType" | "query"> & Partial<Pick<Interaction, "messages" | "sources">>;

/**
 * Identifies "the same question asked in the same situation": 32 hex digits over the agent type and every turn
 * before the answer, each NFKC-normalised, trimmed, white space collapsed. With `groupBySources` the set of source
 * ids belongs to the situation too.
 */
export function promptKey(interaction: Prompted, { groupBySources = false } = {}): string {
  let situation = part(interaction.agentType);
  for (const turn of promptTurns(interaction)) {
    situation += turn.role + part(normaliseText(turn.content));
    if (turn.tool_calls) {
      for (const call of turn.tool_calls) {
        situation += part(call.function.name) + part(JSON.stringify(call.function.arguments));
      }
    }
  }
  if (groupBySources) {
    const ids = (interaction.sources ?? []).map((source) => source.id ?? source.url ?? "");
    situation += `|${[...new Set(ids)].sort().map(part).join("")}`;
  }
  return hash("sha256", situation, "hex").slice(0, 32);
}

/**
 * A 64-bit hash, as two words, that is equal wherever `promptKey` is equal: what indexes keep, for it costs a fraction
 * of the key. Whoever mixes records must compare the keys of those that the hash brought together.
 */
export function promptHash(interaction: Prompted, words: Uint32Array, at: number): void {
  beginHash();
  hashText(interaction.agentType);
  if (!interaction.messages || interaction.messages.length === 0) {
    hashText("user");
    hashNormalised(interaction.query);
  } else {
    for (const turn of promptTurns(interaction)) {
      hashText(turn.role);
      hashNormalised(turn.content);
      for (const call of turn.tool_calls ?? []) {
        hashText(call.function.name);
        hashText(JSON.stringify(call.function.arguments));
      }
    }
  }
  endHash(words, at);
}

/** Hashes what `normaliseText` would give; plain text in one pass, without making that text. */
function hashNormalised(text: string): void {
  if (!hashCollapsed(text)) hashText(normaliseText(text));
}

/** Whether two interactions have an equal `promptKey`; for the same question word for word it is not computed. */
export function isSamePrompt(a: Prompted, b: Prompted): boolean {
  if (!a.messages && !b.messages && a.query === b.query) return a.agentType === b.agentType;
  return promptKey(a) === promptKey(b);
}

/** The turns before the answer: all messages but an assistant turn at their end, or the query as one user turn. */
export function promptTurns({ messages, query }: Prompted): readonly ChatMessage[] {
  if (!messages || messages.length === 0) return [{ role: "user", content: query }];
  const last = messages[messages.length - 1];
  return last?.role === "assistant" ? messages.slice(0, -1) : messages;
}

const PLAIN = /^[\x21-\x7e](?:[\x21-\x7e]| (?! ))*(?<! )$/;

/** NFKC, trimmed, every run of white space made one space. */
export function normaliseText(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.normalize("NFKC").trim().replace(/\s+/gu, " ");
}

// The length in front keeps two parts from running into each other.
const part = (text: string) => `${text.length}:${text}`;
