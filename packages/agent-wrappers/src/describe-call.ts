import type { InteractionInput, Source } from "@whetstone/core";
import type { AnyFunction } from "./any-function.js";
import { answerText, conversation, queryText, replyMessage } from "./call-text.js";
import { readArray, readField, readText } from "./read-field.js";
import type { Fields } from "./record-fields.js";

/** How a call ended. */
export interface CallEnd {
  /** What the agent threw; undefined when it did not. */
  readonly error: unknown;
  /** From the call to its real end: of a stream, to the last chunk. */
  readonly latencyMs: number;
  /** The consumer left a stream before its end. */
  readonly cancelled: boolean;
  /** The joined text of a stream's chunks; undefined when the result was no stream. */
  readonly text: string | undefined;
  /** What a generator returned after its last chunk. */
  readonly returned: unknown;
}

/**
 * Maps a call to the fields of its record. What it leaves out is filled in by the default, and it may throw: then the
 * default stands alone. A stream's result is the array of its chunks, of which the first 10,000 are kept.
 */
export type Describe<F extends AnyFunction = AnyFunction> = (
  args: Parameters<F>,
  result: AgentResult<F> | undefined,
  end: CallEnd,
) => Partial<InteractionInput>;

/** What a call comes to in the end: the value, what its promise resolves to, or the chunks of its stream. */
export type AgentResult<F extends AnyFunction> = Settled<ReturnType<F>>;

type Settled<R> =
  R extends PromiseLike<infer Value>
    ? Settled<Value>
    : R extends AsyncIterable<infer Chunk>
      ? readonly Chunk[]
      : R extends Iterator<infer Chunk, unknown, never>
        ? readonly Chunk[]
        : R;

/** What was asked, as it stood when the call began. */
export interface Asked {
  readonly query: unknown;
  readonly turns: readonly unknown[] | undefined;
}

/** Reads the question before the agent can change its arguments. */
export function readAsked(args: readonly unknown[]): Asked {
  return { query: queryText(args), turns: conversation(args) };
}

/**
 * Adds the fields that every record has, whatever the agent. A field that cannot be read is left out, and `report` hears
 * of the first.
 */
export function describeCall(
  fields: Fields,
  turns: Asked["turns"],
  result: unknown,
  end: CallEnd,
  report: (error: unknown) => void,
): void {
  const value = finalValue(result, end);
  // Most answers are a text, which has no fields to read.
  if (typeof value !== "object" || value === null) {
    const failed = end.error !== undefined && value === undefined;
    fields.answer = end.text || (failed ? "" : (answerText(value) as string));
    if (turns) fields.messages = conversationWith(turns, value, fields.answer);
    return;
  }

  let unreadable = false;
  for (const [name, read] of saysMore(value, turns) ? READERS : ANSWER_READER) {
    try {
      const field = read(value, end, turns);
      if (field !== undefined) (fields as Record<string, unknown>)[name] = field;
    } catch (error) {
      if (!unreadable) report(error);
      unreadable = true;
    }
  }
}

type Reader = (value: object, end: CallEnd, turns: readonly unknown[] | undefined) => unknown;

const ANSWER_READER: readonly (readonly [keyof Fields, Reader])[] = [["answer", answerOf]];
/** What the object says that an agent gave. */
const READERS: readonly (readonly [keyof Fields, Reader])[] = [
  ...ANSWER_READER,
  ["messages", (value, end, turns) => readArray(value, "messages") ?? conversationOf(value, end, turns)],
  ["tools", (value) => readArray(value, "tools")],
  ["toolsUsed", (value) => toolNames(readArray(value, "toolsUsed"))],
  ["sources", (value) => toSources(readArray(value, "sources"))],
  ["retrievalMethod", (value) => readText(value, "retrievalMethod")],
  ["qualityScores", readScores],
  ["model", (value) => readText(value, "model")],
  ["usage", (value) => readUsage(readField(value, "usage"))],
  ["reference", (value) => readText(value, "reference")],
  ["groupId", (value) => readText(value, "groupId")],
];

/**
 * Whether there is more to read than the answer. Most objects say no more, and this runs in every call: V8 answers `in`
 * at once where the name stands in the code, and not where it comes from a table.
 */
function saysMore(value: object, turns: readonly unknown[] | undefined): boolean {
  try {
    return (
      turns !== undefined ||
      "messages" in value ||
      "tools" in value ||
      "toolsUsed" in value ||
      "sources" in value ||
      "retrievalMethod" in value ||
      "qualityScores" in value ||
      "model" in value ||
      "usage" in value ||
      "reference" in value ||
      "groupId" in value
    );
  } catch {
    return true; // the reader of each field finds out whether it can be read
  }
}

function answerOf(value: object, end: CallEnd): unknown {
  return end.text || (statusLine(value) ?? answerText(value));
}

function conversationOf(value: object, end: CallEnd, turns: readonly unknown[] | undefined) {
  return turns && conversationWith(turns, value, answerOf(value, end));
}

/** `HTTP 200 OK` of a fetch response. Its body is the caller's to read, once. */
function statusLine(value: unknown): string | undefined {
  if (readText(value, Symbol.toStringTag) !== "Response") return undefined;
  // Getters without an effect, by the fetch standard.
  const { status, statusText } = value as { readonly status?: unknown; readonly statusText?: unknown };
  if (typeof status !== "number") return undefined;
  return `HTTP ${status}${typeof statusText === "string" && statusText !== "" ? ` ${statusText}` : ""}`;
}

/** The object that says more of the answer: the result, or of a stream what it returned or its last chunk. */
export function finalValue(result: unknown, { text, returned }: CallEnd): unknown {
  if (text === undefined) return result;
  return returned ?? (Array.isArray(result) ? result.at(-1) : undefined);
}

/** The names in a list of tools, each a name or an object that holds one. */
export function toolNames(tools: readonly unknown[] | undefined): readonly string[] | undefined {
  return tools?.map((tool) => (typeof tool === "string" ? tool : toolName(tool))).filter((name) => name !== undefined);
}

/** The tool that an object names, such as a step of an agent. */
export function toolName(step: unknown): string | undefined {
  return readText(step, "toolName") ?? readText(step, "tool") ?? readText(step, "name");
}

/** Sources as retrievers give them: texts that are ids or addresses, or documents under many a name. */
export function toSources(found: readonly unknown[] | undefined): readonly Source[] | undefined {
  return found?.map((entry) => {
    if (typeof entry === "string") return /^https?:\/\//.test(entry) ? { url: entry } : { id: entry };
    const about = readField(entry, "metadata");
    const id = readField(entry, "id") ?? readField(about, "id") ?? readText(about, "source");
    const score = readField(entry, "score") ?? readField(entry, "similarity");
    return defined({
      id: typeof id === "number" ? String(id) : typeof id === "string" ? id : undefined,
      title: readText(entry, "title") ?? readText(about, "title"),
      url: readText(entry, "url") ?? readText(about, "url"),
      text: readText(entry, "text") ?? readText(entry, "content") ?? readText(entry, "pageContent"),
      score: typeof score === "number" ? score : undefined,
    });
  });
}

/** The same object without the fields that are undefined. */
export function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) kept[name] = value;
  return kept as { [K in keyof T]: Exclude<T[K], undefined> };
}

function readScores(value: unknown): InteractionInput["qualityScores"] {
  const scores = readField(value, "qualityScores");
  return typeof scores === "object" && scores !== null ? (scores as Record<string, number>) : undefined;
}

// Ours and the AI SDK's, then OpenAI's chat form, then the form of Anthropic and of OpenAI's responses.
const INPUT_TOKENS = ["inputTokens", "prompt_tokens", "input_tokens", "promptTokens"];
const OUTPUT_TOKENS = ["outputTokens", "completion_tokens", "output_tokens", "completionTokens"];

/** Token counts under the names that the clients give them. */
export function readUsage(usage: unknown): InteractionInput["usage"] {
  if (typeof usage !== "object" || usage === null) return undefined;
  const count = (names: readonly string[]) =>
    names.map((name) => readField(usage, name)).find((tokens) => typeof tokens === "number");
  const inputTokens = count(INPUT_TOKENS);
  const outputTokens = count(OUTPUT_TOKENS);
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  return { inputTokens, outputTokens, costUsd: count(["costUsd"]) };
}

/** The whole trajectory, when there was more than a question before the answer. */
function conversationWith(
  turns: readonly unknown[] | undefined,
  value: unknown,
  answer: unknown,
): InteractionInput["messages"] {
  if (!turns || turns.length < 2) return undefined;
  return [...turns, replyMessage(value) ?? { role: "assistant", content: answer }] as InteractionInput["messages"];
}
