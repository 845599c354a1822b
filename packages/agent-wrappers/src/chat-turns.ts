import type { Fields } from "./record-fields.js";

/** A message in OpenAI chat shape, as the logger takes it. */
export interface ChatTurn {
  readonly role: string;
  readonly content: string;
  readonly tool_calls?: readonly ToolCallTurn[];
  readonly tool_call_id?: string;
  readonly name?: string;
}

export interface ToolCallTurn {
  readonly id?: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: unknown };
}

/** What the model said: a text, tool calls, or both. */
export function assistantTurn(content: string, calls: readonly ToolCallTurn[]): ChatTurn {
  return { role: "assistant", content, ...(calls.length > 0 && { tool_calls: calls }) };
}

/** One call of a tool. The logger makes an object of arguments that are a JSON text. */
export function toolCallTurn(id: string | undefined, name: string, given: unknown): ToolCallTurn {
  return { ...(id !== undefined && { id }), type: "function", function: { name, arguments: given ?? {} } };
}

/** What a tool gave back. */
export function toolTurn(id: string | undefined, name: string | undefined, content: string): ChatTurn {
  return { role: "tool", content, ...(id !== undefined && { tool_call_id: id }), ...(name !== undefined && { name }) };
}

/** The fields that follow from a conversation. `query` is what was asked where the last user turn is not just that. */
export function conversationFields(turns: readonly ChatTurn[], query?: string): Fields {
  const asked = turns.findLast(({ role }) => role === "user")?.content;
  const last = turns.at(-1);
  const calls = turns.flatMap(({ tool_calls }) => tool_calls ?? []);
  const plain = turns.length <= 2 && calls.length === 0 && (query === undefined || query === asked);
  return {
    query: query ?? asked ?? "",
    answer: last?.role === "assistant" ? last.content : "",
    messages: plain ? undefined : turns,
    toolsUsed: [...new Set(calls.map((call) => call.function.name))],
  };
}

/** Any value as the text that a model would be shown of it. */
export function valueText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === undefined || value === null) return "";
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value); // a cycle, or a BigInt
  }
}

/** Never throws, whatever was thrown. */
export function errorText(error: unknown): string {
  try {
    if (error instanceof Error) return error.message || error.name;
    return valueText(error) || "unknown error";
  } catch {
    return "unknown error";
  }
}
