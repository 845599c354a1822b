import type { ChatTurn } from "./chat-turns.js";
import type { Fields } from "./record-fields.js";

/** One finished call of a model: the whole conversation with its answer, and what is known of it. */
export interface ModelCall extends Omit<Fields, "messages"> {
  readonly turns: readonly ChatTurn[];
}

/** The model calls that one call of an agent made. */
export interface ModelCalls {
  /** Takes a finished call in; false when the agent's call is recorded already. */
  add(call: ModelCall): boolean;
  /** What they say of the agent's call, for what its record does not say yet. */
  fields(record: Fields): Fields;
  /** The tools that the models called. */
  readonly toolsUsed: readonly string[];
  close(): void;
}

/** Conversations that are told apart; an agent that holds more keeps the newest. */
const MAX_CONVERSATIONS = 64;

/** Gathers model calls. Calls that continue one conversation, as the steps of a tool loop do, count as one of them. */
export function openModelCalls(): ModelCalls {
  const conversations: ModelCall[] = [];
  const tools = new Set<string>();
  let inputTokens = 0;
  let outputTokens = 0;
  let counted = false;
  let count = 0;
  let closed = false;

  return {
    add(call) {
      if (closed) return false;
      count += 1;
      for (const tool of call.toolsUsed ?? []) tools.add(tool);
      if (call.usage) {
        counted = true;
        inputTokens += call.usage.inputTokens;
        outputTokens += call.usage.outputTokens;
      }
      const continued = conversations.findLastIndex((earlier) => continues(call.turns, earlier.turns));
      if (continued >= 0) conversations.splice(continued, 1);
      conversations.push(call);
      if (conversations.length > MAX_CONVERSATIONS) conversations.shift();
      return true;
    },
    fields(record) {
      const main = mainConversation(conversations, record);
      const long = main && main.turns.length > Math.max(2, record.messages?.length ?? 0);
      const spoken = main?.turns.some(({ tool_calls }) => tool_calls !== undefined);
      return {
        messages: long || (spoken && !record.messages) ? main?.turns : undefined,
        tools: record.tools ?? main?.tools,
        answer: record.answer === "" && !record.errorOccurred ? main?.answer : undefined,
        model: main?.model ?? record.model ?? conversations.at(-1)?.model,
        usage: counted ? { inputTokens, outputTokens } : undefined,
        metadata: count > 0 ? { ...main?.metadata, modelCalls: count } : undefined,
      } as Fields;
    },
    get toolsUsed() {
      return [...tools];
    },
    close() {
      closed = true;
    },
  };
}

/** Whether a conversation goes on from an earlier one: it begins the same and holds its last turn in the same place. */
function continues(turns: readonly ChatTurn[], earlier: readonly ChatTurn[]): boolean {
  return turns.length > earlier.length && [0, earlier.length - 1].every((at) => sameTurn(turns[at], earlier[at]));
}

function sameTurn(one: ChatTurn | undefined, other: ChatTurn | undefined): boolean {
  if (!one || !other) return false;
  const calls = (turn: ChatTurn) => turn.tool_calls?.map((call) => `${call.id} ${call.function.name}`).join() ?? "";
  return one.role === other.role && one.content === other.content && calls(one) === calls(other);
}

/**
 * The conversation that gave the agent's answer. Beside it an agent may ask a model for a title, a plan or a check:
 * where several were held and none of them has the answer, none is taken for it.
 */
function mainConversation(
  conversations: readonly ModelCall[],
  { answer, errorOccurred }: Fields,
): ModelCall | undefined {
  if (conversations.length <= 1 || errorOccurred) return conversations.at(-1);
  if (typeof answer !== "string" || answer.trim() === "") return undefined;
  return conversations.findLast(({ answer: said }) => {
    const text = said?.trim();
    return text && (answer.includes(text) || text.includes(answer.trim()));
  });
}
