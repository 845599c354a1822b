import type { InteractionInput } from "@whetstone/core";
import {
  assistantTurn,
  type ChatTurn,
  errorText,
  type ToolCallTurn,
  toolCallTurn,
  toolTurn,
  valueText,
} from "../chat-turns.js";
import { readArray, readField, readText } from "../read-field.js";

/** Messages of the AI SDK (a model's prompt, or what `generateText` takes and gives) as chat turns. */
export function promptTurns(messages: readonly unknown[]): ChatTurn[] {
  return messages.flatMap((message) => {
    const role = readText(message, "role");
    const content = readField(message, "content");
    if (role === undefined) return [];
    if (typeof content === "string") return [{ role, content }];
    const parts = Array.isArray(content) ? content : [];
    if (role === "assistant" || role === "tool") return replyTurns(parts);
    return [{ role, content: partsText(parts) }];
  });
}

/** The parts of a model's answer as turns, in order: a provider's own tools answer in the middle of it. */
export function replyTurns(parts: readonly unknown[]): ChatTurn[] {
  const turns: ChatTurn[] = [];
  let text = "";
  let calls: ToolCallTurn[] = [];
  const close = () => {
    if (text || calls.length > 0) turns.push(assistantTurn(text, calls));
    text = "";
    calls = [];
  };
  for (const part of parts) {
    const type = readText(part, "type");
    if (type === "text") text += readText(part, "text") ?? "";
    else if (type === "tool-call") {
      calls.push(
        toolCallTurn(readText(part, "toolCallId"), readText(part, "toolName") ?? "", readField(part, "input")),
      );
    } else if (type === "tool-result" || type === "tool-error") {
      close();
      turns.push(resultTurn(part));
    }
  }
  close();
  return turns;
}

/** The tools that the model was told of. One that runs at the provider has no schema. */
export function modelTools(tools: readonly unknown[] | undefined): InteractionInput["tools"] {
  const known = tools?.filter((tool) => readText(tool, "name") !== undefined);
  return known?.map((tool) => ({
    type: "function",
    function: {
      name: readText(tool, "name"),
      description: readText(tool, "description"),
      parameters: readField(tool, "inputSchema"),
    },
  }));
}

/** Token counts: plain numbers in 5 and in the events of 7, totals with their shares in 6 and 7. */
export function usageOf(usage: unknown): InteractionInput["usage"] {
  const inputTokens = tokens(readField(usage, "inputTokens"));
  const outputTokens = tokens(readField(usage, "outputTokens"));
  return inputTokens === undefined || outputTokens === undefined ? undefined : { inputTokens, outputTokens };
}

/** Why the model ended, in OpenAI's words: plain in 5 and in the events of 7, with the provider's own in 6 and 7. */
export function finishReasonOf(reason: unknown): string | undefined {
  const said = typeof reason === "string" ? reason : readText(reason, "unified");
  return said?.replaceAll("-", "_");
}

/** What the answer rests on, where the provider searched. */
export function sourcesOf(parts: readonly unknown[]): InteractionInput["sources"] {
  const found = ofType(parts, "source").map((part) => ({
    id: readText(part, "id"),
    url: readText(part, "url"),
    title: readText(part, "title"),
  }));
  return found.length > 0 ? (found as InteractionInput["sources"]) : undefined;
}

function ofType(parts: readonly unknown[], type: string): unknown[] {
  return parts.filter((part) => readText(part, "type") === type);
}

/** A part that is no text, such as a picture, leaves its type in brackets: without it another question was asked. */
function partsText(parts: readonly unknown[]): string {
  return parts.map((part) => readText(part, "text") ?? `[${readText(part, "type") ?? "part"}]`).join("");
}

function resultTurn(part: unknown): ChatTurn {
  const error = readField(part, "error");
  const output = readField(part, "output") ?? readField(part, "result");
  const content = error === undefined ? outputText(output) : errorText(error);
  return toolTurn(readText(part, "toolCallId"), readText(part, "toolName"), content);
}

/** A tool's output says of itself what it is, except where a provider ran the tool. */
function outputText(output: unknown): string {
  const type = readText(output, "type");
  const parts = readArray(output, "value");
  if (type === "content" && parts) return partsText(parts);
  if (type === "execution-denied") return readText(output, "reason") ?? "execution denied";
  return OUTPUT_TYPES.includes(type ?? "") ? valueText(readField(output, "value")) : valueText(output);
}

const OUTPUT_TYPES = ["text", "json", "error-text", "error-json"];

function tokens(count: unknown): number | undefined {
  const total = typeof count === "object" ? readField(count, "total") : count;
  return typeof total === "number" ? total : undefined;
}
