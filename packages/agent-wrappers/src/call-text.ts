import { readArray, readField, readText } from "./read-field.js";

/** What was asked: the first argument that is a text, or that holds one where agents usually take it. */
export function queryText(args: readonly unknown[]): unknown {
  for (const arg of args) {
    if (typeof arg === "string") return arg;
    const turns = turnsOf(arg);
    const query = turns ? lastUserText(turns) : fieldText(arg, QUERY_FIELDS);
    if (query !== undefined) return query;
  }
  return args.length === 1 ? args[0] : args;
}

/** The conversation among the arguments, as it stands now: the agent may push to the same array. */
export function conversation(args: readonly unknown[]): readonly unknown[] | undefined {
  for (const arg of args) {
    const turns = turnsOf(arg);
    if (turns) return turns.slice(0, MAX_TURNS);
  }
  return undefined;
}

/**
 * The answer in what an agent gave: the text itself, or the field that holds it, also in the shapes of OpenAI,
 * Anthropic and AI SDK answers. An object without any is handed on as it is: the logger makes JSON of a bounded copy.
 */
export function answerText(result: unknown): unknown {
  if (result === undefined || result === null || typeof result === "function") return "";
  if (typeof result !== "object") return String(result);
  const answer = fieldText(result, ANSWER_FIELDS);
  if (answer !== undefined) return answer;
  for (const name of ANSWER_FIELDS) {
    const value = readField(result, name);
    if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  }
  const reply = replyMessage(result) ?? readArray(result, "steps")?.at(-1);
  return fieldText(reply, ["content"]) ?? structured(result);
}

/** The assistant's message in an OpenAI chat completion. */
export function replyMessage(result: unknown): unknown {
  return readField(readArray(result, "choices")?.[0], "message");
}

/** The text that one chunk of a stream adds. */
export function chunkText(chunk: unknown): string {
  if (typeof chunk === "string") return chunk;
  const text = fieldText(chunk, CHUNK_FIELDS);
  if (text !== undefined) return text;
  const delta = readField(chunk, "delta") ?? readField(readArray(chunk, "choices")?.[0], "delta");
  return fieldText(delta, CHUNK_FIELDS) ?? "";
}

const QUERY_FIELDS = ["query", "question", "prompt", "input"];
const ANSWER_FIELDS = ["answer", "text", "output", "output_text", "content"];
const CHUNK_FIELDS = ["text", "delta", "content"];
const TURN_FIELDS = ["messages", "input", "prompt"];
const MAX_TURNS = 1000;

function fieldText(value: unknown, names: readonly string[]): string | undefined {
  for (const name of names) {
    const text = contentText(readField(value, name));
    if (text !== undefined) return text;
  }
  return undefined;
}

/** A message's content is a text or a list of parts, of which some are texts. */
function contentText(content: unknown): string | undefined {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return undefined;
  const texts = content.map((part) => readText(part, "text")).filter((text) => text !== undefined);
  return texts.length > 0 ? texts.join("") : undefined;
}

function turnsOf(arg: unknown): readonly unknown[] | undefined {
  if (Array.isArray(arg)) return isConversation(arg) ? arg : undefined;
  for (const name of TURN_FIELDS) {
    const turns = readArray(arg, name);
    if (turns && isConversation(turns)) return turns;
  }
  return undefined;
}

function isConversation(turns: readonly unknown[]): boolean {
  return readText(turns[0], "role") !== undefined;
}

function lastUserText(turns: readonly unknown[]): string | undefined {
  const turn = turns.findLast((turn) => readText(turn, "role") === "user");
  return contentText(readField(turn, "content"));
}

/** Where the answer is a structure of its own (`{output: {city: "Paris"}}`), that is the answer. */
function structured(result: object): unknown {
  for (const name of ["answer", "output"]) {
    const value = readField(result, name);
    if (typeof value === "object" && value !== null) return value;
  }
  return result;
}
