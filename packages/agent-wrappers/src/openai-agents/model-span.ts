import type { ModelCall } from "../model-calls.js";
import { chatDialect } from "../openai/chat-dialect.js";
import type { Dialect } from "../openai/dialect.js";
import { responsesDialect } from "../openai/responses-dialect.js";
import { readArray, readField, readText } from "../read-field.js";
import type { Fields } from "../record-fields.js";

/** The model call that a span tells of; undefined for other spans, and where the run traces no content. */
export function modelSpan(data: unknown): ModelCall | undefined {
  const type = readText(data, "type");
  if (type === "generation") {
    const input = readArray(data, "input");
    const completion = readArray(data, "output")?.[0];
    return input && readCall(chatDialect, { messages: input, model: readText(data, "model") }, completion);
  }
  if (type !== "response") return undefined;
  const response = readField(data, "_response");
  const input = readField(data, "_input");
  if (input === undefined) return undefined;
  const request = {
    input: Array.isArray(input) ? input.map(wireItem) : input,
    instructions: readField(response, "instructions"),
    tools: readField(response, "tools"),
  };
  return readCall(responsesDialect(), request, response);
}

function readCall(dialect: Dialect, body: object, result: unknown): ModelCall {
  const { instructions, turns, tools, model } = dialect.readRequest(body);
  const reply = dialect.readReplies(result ?? {}, { turns, tools, model })[0];
  const answered: Fields = { model: reply?.model ?? model, usage: reply?.usage, tools };
  if (reply?.finishReason !== undefined) answered.metadata = { finishReason: reply.finishReason };
  return { ...answered, turns: [...(instructions ? [instructions] : []), ...turns, ...(reply?.turns ?? [])] };
}

/** The SDK's own items are those of the API in camelCase, but for the results of tools. */
function wireItem(item: unknown): unknown {
  const callId = readText(item, "callId");
  const type = readText(item, "type");
  if (callId === undefined) return item;
  if (type !== "function_call_result") return { ...(item as object), call_id: callId };
  const output = readField(item, "output");
  const parts = Array.isArray(output) || typeof output === "string" ? output : [output];
  return { type: "function_call_output", call_id: callId, output: parts };
}
