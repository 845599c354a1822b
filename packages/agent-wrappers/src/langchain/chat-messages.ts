import { assistantTurn, type ChatTurn, toolCallTurn, toolTurn, valueText } from "../chat-turns.js";
import { readArray, readField, readText } from "../read-field.js";

/** A LangChain message as a chat turn; null when it is none. Some fields are getters: they only read the message. */
export function messageTurn(message: unknown): ChatTurn | null {
  if (typeof message !== "object" || message === null) return null;
  const type = messageType(message);
  const given = (message as { content?: unknown }).content;
  // Beside its text an answer has parts of reasoning and, again, its tool calls.
  if (type === "ai" || type === "assistant")
    return assistantTurn(
      contentText(given, () => ""),
      toolCalls(message),
    );
  const content = contentText(given, (part) => `[${readText(part, "type") ?? "part"}]`);
  if (type === "tool" || type === "function") {
    return toolTurn(readText(message, "tool_call_id"), readText(message, "name"), content);
  }
  const role = ROLES[type ?? ""] ?? (type === "generic" ? readText(message, "role") : undefined);
  return role === undefined ? null : { role, content };
}

export function messageTurns(messages: readonly unknown[]): ChatTurn[] {
  return messages.map(messageTurn).filter((turn) => turn !== null);
}

const ROLES: Record<string, string> = { human: "user", user: "user", system: "system", developer: "system" };

function messageType(message: object): string | undefined {
  const { type, _getType } = message as { type?: unknown; _getType?: unknown };
  const found = typeof type === "string" ? type : typeof _getType === "function" ? _getType.call(message) : undefined;
  return typeof found === "string" ? found : undefined;
}

function contentText(content: unknown, other: (part: unknown) => string): string {
  if (!Array.isArray(content)) return valueText(content);
  return content.map((part) => (typeof part === "string" ? part : (readText(part, "text") ?? other(part)))).join("");
}

function toolCalls(message: object) {
  return (readArray(message, "tool_calls") ?? []).map((call) =>
    toolCallTurn(readText(call, "id"), readText(call, "name") ?? "", readField(call, "args")),
  );
}
