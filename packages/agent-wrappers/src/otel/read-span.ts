import { answerText, queryText } from "../call-text.js";
import { assistantTurn, type ChatTurn, toolCallTurn, toolTurn, valueText } from "../chat-turns.js";
import { toSources } from "../describe-call.js";
import { functionTools } from "../function-tools.js";
import { readArray, readField, readText } from "../read-field.js";
import type { Fields } from "../record-fields.js";
import { parsed } from "./json-text.js";
import type { Span } from "./span.js";
import { attribute, jsonAttribute, listAttribute, type SpanKind, spanKind, textAttribute } from "./span-attributes.js";

/** What a finished span tells of an agent's work. */
export interface SpanReading {
  readonly kind: Exclude<SpanKind, undefined>;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Empty where the span has no content. */
  readonly turns: readonly ChatTurn[];
  readonly tools: readonly object[] | undefined;
  /** Of a tool's span: the call and, where it was recorded, the result. */
  readonly tool: { readonly call: ChatTurn; readonly result: ChatTurn | undefined; readonly name: string } | undefined;
  readonly sources: Fields["sources"];
  readonly usage: Fields["usage"];
  readonly model: string | undefined;
  readonly agentName: string | undefined;
  readonly sessionId: string | undefined;
  readonly userId: string | undefined;
  readonly error: string | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Reads a finished span; undefined where it is none of an agent's, a model's, a tool's or a retriever's. */
export function readSpan(given: Span): SpanReading | undefined {
  const span = withEventContent(given);
  const kind = spanKind(span);
  if (!kind) return undefined;
  const { traceId, spanId } = span.spanContext();
  const output = outputTurns(span);
  return {
    kind,
    startedAt: milliseconds(span.startTime),
    endedAt: milliseconds(span.endTime),
    turns: kind === "agent" || kind === "model" ? conversation(span, output) : [],
    tools: toolsOf(span),
    tool: kind === "tool" ? toolOf(span) : undefined,
    sources: kind === "retrieval" ? sourcesOf(span) : undefined,
    usage: usageOf(span),
    model: textAttribute(span, "model"),
    agentName: textAttribute(span, "agentName"),
    sessionId: textAttribute(span, "sessionId"),
    userId: textAttribute(span, "userId"),
    error: errorOf(span),
    metadata: known({
      traceId,
      spanId,
      provider: textAttribute(span, "provider"),
      finishReason: finishReason(span),
    }),
  };
}

/** Content may stand on an event of the span in place of the span itself. */
function withEventContent(span: Span): Pick<Span, keyof Span> {
  const event = span.events?.find(({ name }) => name === "gen_ai.client.inference.operation.details");
  const { name, startTime, endTime, status, events } = span;
  const attributes = { ...event?.attributes, ...span.attributes };
  return {
    name,
    startTime,
    endTime,
    attributes,
    ...(status && { status }),
    ...(events && { events }),
    spanContext: () => span.spanContext(),
  };
}

function conversation(span: Span, output: readonly ChatTurn[]): ChatTurn[] {
  const instructions = partsText(jsonAttribute(span, "instructions"));
  const input = messageTurns(jsonAttribute(span, "inputMessages"));
  const asked = input.length > 0 ? input : listAttribute(span, "inputMessages").flatMap(listedTurn);
  const system = instructions && asked[0]?.role !== "system" ? [{ role: "system", content: instructions }] : [];
  if (asked.length > 0 || output.length > 0) return [...system, ...asked, ...output];
  const question = contentOf(span, "inputValue", (value) => queryText([value]));
  const answer = contentOf(span, "outputValue", answerText);
  return [
    ...system,
    ...(question ? [{ role: "user", content: question }] : []),
    ...(answer ? [assistantTurn(answer, [])] : []),
  ];
}

function outputTurns(span: Span): ChatTurn[] {
  const output = messageTurns(jsonAttribute(span, "outputMessages"));
  const said = output.length > 0 ? output : listAttribute(span, "outputMessages").flatMap(listedTurn);
  // Several choices are several answers: the first is the one that an agent goes on with.
  const [first, ...more] = said;
  return first && more.every(({ role }) => role === "assistant") ? [first] : said;
}

/** The text in a whole input or output, which is often the JSON of what a function took or gave. */
function contentOf(span: Span, name: "inputValue" | "outputValue", read: (value: unknown) => unknown): string {
  const value = jsonAttribute(span, name);
  return value === undefined ? "" : typeof value === "string" ? value : valueText(read(value));
}

/** Messages in the form of the GenAI conventions: a role and parts. */
function messageTurns(messages: unknown): ChatTurn[] {
  return Array.isArray(messages) ? messages.flatMap(partedTurns) : [];
}

function partedTurns(message: unknown): ChatTurn[] {
  const role = readText(message, "role") ?? "assistant";
  const parts = readArray(message, "parts");
  if (!parts) return listedTurn(message);
  const calls = ofType(parts, "tool_call").map((part) =>
    toolCallTurn(readText(part, "id"), readText(part, "name") ?? "", readField(part, "arguments")),
  );
  const results = ofType(parts, "tool_call_response").map((part) =>
    toolTurn(
      readText(part, "id"),
      readText(part, "name"),
      valueText(readField(part, "response") ?? readField(part, "result")),
    ),
  );
  const content = partsText(parts);
  if (role === "assistant")
    return [...(content || calls.length > 0 ? [assistantTurn(content, calls)] : []), ...results];
  return [...results, ...(content ? [{ role, content }] : [])];
}

/** A message out of numbered attributes; OpenInference puts everything one level lower. */
function listedTurn(entry: unknown): ChatTurn[] {
  const message = readField(entry, "message") ?? entry;
  const role = readText(message, "role");
  if (role === undefined) return [];
  const contents = (readArray(message, "contents") ?? []).map((part) => readField(part, "message_content"));
  const content = partsText(contents.length > 0 ? contents : parsed(readField(message, "content")));
  if (role === "assistant" || role === "ai") {
    const calls = (readArray(message, "tool_calls") ?? []).map((listed) => {
      const call = readField(listed, "tool_call") ?? listed;
      const called = readField(call, "function") ?? call;
      return toolCallTurn(readText(call, "id"), readText(called, "name") ?? "", readField(called, "arguments"));
    });
    return [assistantTurn(content, calls)];
  }
  const id = readText(message, "tool_call_id");
  return role === "tool" ? [toolTurn(id, readText(message, "name"), content)] : [{ role, content }];
}

/** The text of a message or of its parts. A part that is none, such as a picture, leaves its type in brackets. */
function partsText(content: unknown): string {
  if (!Array.isArray(content)) return valueText(content);
  return content
    .map((part) => {
      if (typeof part === "string") return part;
      const type = readText(part, "type") ?? "part";
      if (SILENT_PARTS.includes(type)) return "";
      return readText(part, "content") ?? readText(part, "text") ?? `[${type}]`;
    })
    .join("");
}

const SILENT_PARTS = ["tool_call", "tool_call_response", "reasoning"];

function ofType(parts: readonly unknown[], type: string): unknown[] {
  return parts.filter((part) => readText(part, "type") === type);
}

function toolsOf(span: Span): readonly object[] | undefined {
  const definitions = jsonAttribute(span, "toolDefinitions");
  const listed = listAttribute(span, "tools").map((entry) => {
    const schema = readField(readField(entry, "tool"), "json_schema") ?? readField(entry, "parameters");
    const name = readText(entry, "name");
    if (name === undefined) return parsed(schema);
    return { name, description: readText(entry, "description"), parameters: parsed(schema) };
  });
  return functionTools(Array.isArray(definitions) ? definitions : listed);
}

function toolOf(span: Span): SpanReading["tool"] {
  const name = textAttribute(span, "toolName") ?? span.name;
  const given = attribute(span, "toolArguments");
  const result = attribute(span, "toolResult");
  const id = textAttribute(span, "toolCallId") ?? span.spanContext().spanId;
  return {
    name,
    call: assistantTurn("", [toolCallTurn(id, name, given)]),
    result: result === undefined ? undefined : toolTurn(id, name, valueText(result)),
  };
}

function sourcesOf(span: Span): Fields["sources"] {
  return toSources(
    listAttribute(span, "documents").map((entry) => {
      const document = readField(entry, "document") ?? entry;
      return { ...(document as object), metadata: parsed(readField(document, "metadata")) };
    }),
  );
}

function usageOf(span: Span): Fields["usage"] {
  const inputTokens = Number(attribute(span, "inputTokens"));
  const outputTokens = Number(attribute(span, "outputTokens"));
  return Number.isFinite(inputTokens) && Number.isFinite(outputTokens) ? { inputTokens, outputTokens } : undefined;
}

function finishReason(span: Span): string | undefined {
  const reasons = jsonAttribute(span, "finishReason");
  const reason: unknown = Array.isArray(reasons) ? reasons[0] : reasons;
  const messages = jsonAttribute(span, "outputMessages");
  const listed = Array.isArray(messages) ? messages[0] : listAttribute(span, "outputMessages")[0];
  const given = typeof reason === "string" ? reason : readText(listed, "finish_reason");
  // `tool_call` and `tool-calls` are about as common.
  return given?.replace(/^tool[-_]calls?$/, "tool_calls");
}

/** OpenTelemetry's status code of a failure. */
const FAILED = 2;

function errorOf(span: Span): string | undefined {
  const type = textAttribute(span, "error");
  if (type === undefined && span.status?.code !== FAILED) return undefined;
  const exception = span.events?.find(({ name }) => name === "exception")?.attributes?.["exception.message"];
  return span.status?.message || (typeof exception === "string" ? exception : undefined) || type || "unknown error";
}

function milliseconds([seconds, nanoseconds]: readonly [number, number]): number {
  return seconds * 1000 + nanoseconds / 1e6;
}

function known(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
