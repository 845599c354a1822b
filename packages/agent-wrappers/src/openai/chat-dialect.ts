import { assistantTurn, type ChatTurn, type ToolCallTurn, toolCallTurn, valueText } from "../chat-turns.js";
import { readUsage } from "../describe-call.js";
import { functionTools } from "../function-tools.js";
import { readArray, readField, readText } from "../read-field.js";
import type { Dialect, Gathered, Reply } from "./dialect.js";

/** Reads requests and answers of `chat.completions.create`. */
export const chatDialect: Dialect = {
  readRequest(body) {
    return {
      turns: (readArray(body, "messages") ?? []).flatMap(chatTurn),
      tools: functionTools([...(readArray(body, "tools") ?? []), ...(readArray(body, "functions") ?? [])]),
      model: readText(body, "model"),
    };
  },
  readReplies(completion) {
    const choices = readArray(completion, "choices") ?? [];
    const shared = { model: readText(completion, "model"), usage: readUsage(readField(completion, "usage")) };
    // The tokens are those of all choices together: only one record may count them.
    return choices.map((choice, i): Reply => {
      const message = readField(choice, "message");
      return {
        turns: chatTurn({ role: "assistant", ...(typeof message === "object" ? message : {}) }),
        finishReason: readText(choice, "finish_reason"),
        model: shared.model,
        usage: i === 0 ? shared.usage : undefined,
      };
    });
  },
  gatherChunks,
};

/** The text of a message's content. A part that is none, such as a picture, leaves its type in brackets. */
export function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return content === undefined || content === null ? "" : valueText(content);
  return content
    .map((part) => readText(part, "text") ?? readText(part, "refusal") ?? `[${readText(part, "type") ?? "part"}]`)
    .join("");
}

/** A message as the API takes and gives it. */
function chatTurn(message: unknown): ChatTurn[] {
  const role = readText(message, "role");
  if (role === undefined) return [];
  const content = contentText(readField(message, "content") ?? readText(message, "refusal"));
  if (role === "assistant") return [assistantTurn(content, callsOf(message))];
  const id = readText(message, "tool_call_id");
  const name = readText(message, "name");
  return [{ role, content, ...(id !== undefined && { tool_call_id: id }), ...(name !== undefined && { name }) }];
}

function callsOf(message: unknown): ToolCallTurn[] {
  const calls = (readArray(message, "tool_calls") ?? []).map((call) => {
    const id = readText(call, "id");
    const custom = readField(call, "custom");
    if (custom) return toolCallTurn(id, readText(custom, "name") ?? "", { input: readText(custom, "input") ?? "" });
    const called = readField(call, "function");
    return toolCallTurn(id, readText(called, "name") ?? "", readField(called, "arguments"));
  });
  const legacy = readField(message, "function_call");
  const name = readText(legacy, "name");
  return name === undefined ? calls : [...calls, toolCallTurn(undefined, name, readField(legacy, "arguments"))];
}

/** Puts the chunks of a stream together to the completion that they are parts of. */
function gatherChunks(): Gathered {
  const choices = new Map<number, GatheredChoice>();
  let model: unknown;
  let usage: unknown;

  return {
    add(chunk) {
      model = readField(chunk, "model") ?? model;
      usage = readField(chunk, "usage") ?? usage;
      for (const part of readArray(chunk, "choices") ?? []) {
        const index = indexOf(part);
        if (!choices.has(index) && choices.size >= MAX_CHOICES) continue;
        const choice = choices.get(index) ?? { texts: [], refusals: [], calls: new Map(), finishReason: undefined };
        choices.set(index, choice);
        choice.finishReason = readText(part, "finish_reason") ?? choice.finishReason;
        const delta = readField(part, "delta");
        addText(choice.texts, readText(delta, "content"));
        addText(choice.refusals, readText(delta, "refusal"));
        for (const call of readArray(delta, "tool_calls") ?? []) addCall(choice, call);
      }
    },
    result: () => ({
      model,
      usage,
      choices: [...choices.values()].map(({ texts, refusals, calls, finishReason }) => ({
        finish_reason: finishReason,
        message: {
          role: "assistant",
          content: texts.length > 0 ? texts.join("") : undefined,
          refusal: refusals.length > 0 ? refusals.join("") : undefined,
          tool_calls: [...calls.values()].map(({ id, name, input, given }) =>
            input
              ? { id, custom: { name, input: given.join("") } }
              : { id, function: { name, arguments: given.join("") } },
          ),
        },
      })),
    }),
    get ended() {
      return choices.size > 0 && [...choices.values()].every(({ finishReason }) => finishReason !== undefined);
    },
  };
}

interface GatheredChoice {
  readonly texts: string[];
  readonly refusals: string[];
  readonly calls: Map<number, { id: string | undefined; name: string; input: boolean; readonly given: string[] }>;
  finishReason: string | undefined;
}

/** The API's own limits: 128 choices, 128 tools. */
const MAX_CHOICES = 128;
const MAX_CALLS = 128;

function addCall({ calls }: GatheredChoice, part: unknown): void {
  const index = indexOf(part);
  if (!calls.has(index) && calls.size >= MAX_CALLS) return;
  const call = calls.get(index) ?? { id: undefined, name: "", input: false, given: [] };
  calls.set(index, call);
  const custom = readField(part, "custom");
  const called = custom ?? readField(part, "function");
  call.id ??= readText(part, "id") || undefined;
  call.name ||= readText(called, "name") ?? "";
  if (custom) call.input = true;
  addText(call.given, readText(called, custom ? "input" : "arguments"));
}

function addText(texts: string[], text: string | undefined): void {
  if (text) texts.push(text);
}

function indexOf(part: unknown): number {
  const index = readField(part, "index");
  return typeof index === "number" ? index : 0;
}
