import { assistantTurn, type ChatTurn, type ToolCallTurn, toolCallTurn, toolTurn } from "../chat-turns.js";
import { readUsage } from "../describe-call.js";
import { functionTools } from "../function-tools.js";
import { readArray, readField, readText } from "../read-field.js";
import { contentText } from "./chat-dialect.js";
import type { Dialect, Gathered } from "./dialect.js";

/** Conversations that are remembered, so that a request which names an earlier response is recorded with its history. */
const MAX_REMEMBERED = 256;

/** Reads requests and answers of `responses.create`, and remembers what a `previous_response_id` stands for. */
export function responsesDialect(): Dialect {
  const remembered = new Map<string, readonly ChatTurn[]>();

  const remember = (id: string, turns: readonly ChatTurn[]) => {
    remembered.set(id, turns);
    const [oldest] = remembered.keys();
    if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
  };

  return {
    readRequest(body) {
      const instructions = readText(body, "instructions");
      const input = readField(body, "input");
      const previousResponseId = readText(body, "previous_response_id");
      const history = previousResponseId === undefined ? [] : remembered.get(previousResponseId);
      return {
        instructions: instructions === undefined ? undefined : { role: "system", content: instructions },
        turns: [
          ...(history ?? []),
          ...(typeof input === "string"
            ? [{ role: "user", content: input }]
            : itemTurns(Array.isArray(input) ? input : [])),
        ],
        tools: functionTools(readArray(body, "tools") ?? []),
        model: readText(body, "model"),
        // The beginning of this conversation is known to the provider only.
        metadata: history ? undefined : { previousResponseId },
      };
    },
    readReplies(response, request) {
      const status = readText(response, "status");
      if (status === "queued" || status === "in_progress") return [];
      const output = readArray(response, "output") ?? [];
      const turns = itemTurns(output);
      const id = readText(response, "id");
      if (id !== undefined) remember(id, [...request.turns, ...turns]);
      const failure = readField(response, "error");
      const waiting = turns.at(-1)?.tool_calls !== undefined;
      return [
        {
          turns,
          finishReason:
            readText(readField(response, "incomplete_details"), "reason") ??
            (waiting ? "tool_calls" : status && "stop"),
          model: readText(response, "model"),
          usage: readUsage(readField(response, "usage")),
          toolsUsed: output.flatMap(hostedTool),
          error: failure ? (readText(failure, "message") ?? "the response failed") : undefined,
        },
      ];
    },
    gatherChunks,
  };
}

/** Items as chat turns: the calls of one answer belong to one assistant turn. Reasoning is none of the conversation. */
function itemTurns(items: readonly unknown[]): ChatTurn[] {
  const turns: ChatTurn[] = [];
  const call = (made: ToolCallTurn) => {
    const last = turns.at(-1);
    if (last?.role !== "assistant") turns.push(assistantTurn("", [made]));
    else turns[turns.length - 1] = { ...last, tool_calls: [...(last.tool_calls ?? []), made] };
  };
  for (const item of items) {
    const type = readText(item, "type") ?? "message";
    const name = readText(item, "name") ?? "";
    const id = readText(item, "call_id");
    if (type === "message") {
      const role = readText(item, "role");
      if (role !== undefined) turns.push({ role, content: contentText(readField(item, "content")) });
    } else if (type === "function_call") call(toolCallTurn(id, name, readField(item, "arguments")));
    else if (type === "custom_tool_call") call(toolCallTurn(id, name, { input: readText(item, "input") ?? "" }));
    else if (type === "function_call_output" || type === "custom_tool_call_output") {
      turns.push(toolTurn(id, undefined, contentText(readField(item, "output"))));
    } else if (type === "mcp_call") {
      call(toolCallTurn(readText(item, "id"), name, readField(item, "arguments")));
      const output = readField(item, "output") ?? readField(item, "error");
      turns.push(toolTurn(readText(item, "id"), name, contentText(output)));
    }
  }
  return turns;
}

/** `web_search` of a `web_search_call`: what the provider ran by itself has no arguments that a model could learn. */
function hostedTool(item: unknown): string[] {
  const type = readText(item, "type") ?? "";
  return type.endsWith("_call") && !NAMED_CALLS.includes(type) ? [type.slice(0, -"_call".length)] : [];
}

const NAMED_CALLS = ["function_call", "custom_tool_call", "mcp_call"];

/** The last event of a stream holds the whole response; of a stream that was left, the parts that came are put together. */
function gatherChunks(): Gathered {
  let begun: unknown;
  let whole: unknown;
  let error: unknown;
  const items: unknown[] = [];
  const texts: string[] = [];

  return {
    add(event) {
      const type = readText(event, "type");
      if (type === "response.created") begun = readField(event, "response");
      else if (type === "response.output_text.delta") texts.push(readText(event, "delta") ?? "");
      else if (type === "response.output_item.done") {
        items.push(readField(event, "item"));
        texts.length = 0;
      } else if (type === "error") error = event;
      else if (type !== undefined && LAST_EVENTS.includes(type)) whole = readField(event, "response");
    },
    result() {
      if (whole !== undefined) return whole;
      const said = texts.length > 0 ? [{ type: "message", role: "assistant", content: texts.join("") }] : [];
      return { model: readField(begun, "model"), output: [...items, ...said], error };
    },
    get ended() {
      return whole !== undefined || error !== undefined;
    },
  };
}

const LAST_EVENTS = ["response.completed", "response.incomplete", "response.failed"];
