import type { ChatMessage, ToolCall, ToolSchema } from "./chat-message.js";
import { isJsonObject, type Json, type JsonObject, wellFormedJson } from "./json.js";
import { boundedCopy } from "./snapshot.js";

const ROLES: Record<string, ChatMessage["role"]> = {
  system: "system",
  developer: "system",
  user: "user",
  assistant: "assistant",
  tool: "tool",
  function: "tool",
};

/**
 * Messages in canonical form: `content` a string (text parts joined, null made empty), tool-call `arguments` an
 * object, `developer` made `system`. What cannot be a message is left out and flagged.
 */
export function canonicalMessages(given: Json | undefined, flags: string[]): ChatMessage[] | undefined {
  return canonicalList(given, "messages", flags, canonicalMessage);
}

/** Tool schemas in OpenAI's function form; a bare `{name, parameters}` is put into it. */
export function canonicalTools(given: Json | undefined, flags: string[]): ToolSchema[] | undefined {
  return canonicalList(given, "tools", flags, canonicalTool);
}

function canonicalList<T>(
  given: Json | undefined,
  name: string,
  flags: string[],
  canonical: (value: JsonObject, flags: string[]) => T | null,
): T[] | undefined {
  if (given === undefined) return undefined;
  if (!Array.isArray(given)) {
    flags.push(`${name}:dropped`);
    return undefined;
  }
  const kept: T[] = [];
  for (const entry of given as readonly Json[]) {
    const mended = wellFormedJson(entry);
    const value = isJsonObject(mended) ? canonical(mended, flags) : null;
    if (value !== null) kept.push(value);
    if (value === null || mended !== entry) flags.push(`${name}:changed`);
  }
  return kept.length > 0 ? kept : undefined;
}

function canonicalMessage(message: JsonObject, flags: string[]): ChatMessage | null {
  const role = typeof message.role === "string" && Object.hasOwn(ROLES, message.role) ? ROLES[message.role] : undefined;
  if (!role) return null;
  const calls = Array.isArray(message.tool_calls)
    ? (message.tool_calls as readonly Json[]).map((call) => canonicalCall(call, flags)).filter((call) => call !== null)
    : [];
  return {
    role,
    content: contentText(message.content, flags),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(typeof message.tool_call_id === "string" && { tool_call_id: message.tool_call_id }),
    ...(typeof message.name === "string" && { name: message.name }),
  };
}

function contentText(content: Json | undefined, flags: string[]): string {
  if (typeof content === "string") return content;
  if (content === null || content === undefined) return "";
  if (!Array.isArray(content)) {
    flags.push("messages:changed");
    return JSON.stringify(content);
  }
  const parts = content as readonly Json[];
  const texts = parts.map((part) => (isJsonObject(part) && typeof part.text === "string" ? part.text : null));
  if (texts.includes(null)) flags.push("messages:changed"); // an image or audio part: its text form is none
  return texts.filter((text) => text !== null).join("");
}

function canonicalCall(call: Json, flags: string[]): ToolCall | null {
  const named = isJsonObject(call) && isJsonObject(call.function) ? call.function : null;
  if (!named || typeof named.name !== "string" || !isJsonObject(call)) {
    flags.push("messages:changed");
    return null;
  }
  return {
    ...(typeof call.id === "string" && { id: call.id }),
    type: "function",
    function: { name: named.name, arguments: callArguments(named.arguments, flags) },
  };
}

function callArguments(given: Json | undefined, flags: string[]): JsonObject {
  if (isJsonObject(given)) return given;
  if (given === undefined || given === null || given === "") return {};
  if (typeof given === "string") {
    try {
      const parsed = boundedCopy(JSON.parse(given));
      if (isJsonObject(parsed)) return wellFormedJson(parsed);
    } catch {
      // A model may write broken JSON: kept as text under one name, so that the trajectory stays whole.
    }
  }
  flags.push("messages:changed");
  return { input: given };
}

function canonicalTool(tool: JsonObject): ToolSchema | null {
  const named = isJsonObject(tool.function) ? tool.function : tool;
  if (typeof named.name !== "string") return null;
  return {
    type: "function",
    function: {
      name: named.name,
      ...(typeof named.description === "string" && { description: named.description }),
      ...(isJsonObject(named.parameters) && { parameters: named.parameters }),
    },
  };
}
