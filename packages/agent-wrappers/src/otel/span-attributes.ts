import { isPlainText, parsed } from "./json-text.js";
import type { Span } from "./span.js";

/** What a span stands for. `undefined` is any other work. */
export type SpanKind = "agent" | "model" | "tool" | "retrieval" | undefined;

/**
 * Every attribute name that is read, newest first: OpenTelemetry's GenAI conventions, which are still in development
 * and rename things, then what OpenInference and Traceloop (OpenLLMetry) write.
 */
const NAMES = {
  model: ["gen_ai.response.model", "gen_ai.request.model", "llm.model_name"],
  agentName: ["gen_ai.agent.name", "agent.name"],
  provider: ["gen_ai.provider.name", "gen_ai.system", "llm.provider"],
  sessionId: ["gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id"],
  userId: ["user.id", "enduser.id", "traceloop.association.properties.user_id"],
  inputTokens: ["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"],
  outputTokens: ["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"],
  finishReason: ["gen_ai.response.finish_reasons", "llm.finish_reason", "llm.response.finish_reason"],
  error: ["error.type"],
  instructions: ["gen_ai.system_instructions"],
  inputMessages: ["gen_ai.input.messages"],
  outputMessages: ["gen_ai.output.messages"],
  inputValue: ["input.value", "traceloop.entity.input"],
  outputValue: ["output.value", "traceloop.entity.output"],
  toolDefinitions: ["gen_ai.tool.definitions"],
  toolName: ["gen_ai.tool.name", "tool.name", "traceloop.entity.name"],
  toolCallId: ["gen_ai.tool.call.id", "tool_call.id", "tool.id"],
  toolArguments: ["gen_ai.tool.call.arguments", "tool.parameters", "input.value", "traceloop.entity.input"],
  toolResult: ["gen_ai.tool.call.result", "output.value", "traceloop.entity.output"],
} as const;

/** Lists that are spread over numbered attributes, such as `gen_ai.prompt.0.role`. */
const LISTS = {
  inputMessages: ["gen_ai.prompt", "llm.input_messages"],
  outputMessages: ["gen_ai.completion", "llm.output_messages"],
  tools: ["llm.tools", "llm.request.functions"],
  documents: ["retrieval.documents"],
} as const;

const OPERATIONS: Readonly<Record<string, SpanKind>> = {
  chat: "model",
  text_completion: "model",
  generate_content: "model",
  invoke_agent: "agent",
  invoke_workflow: "agent",
  execute_tool: "tool",
  retrieval: "retrieval",
};

/** `openinference.span.kind` and `traceloop.span.kind`; a chain at the root is an agent of its own making. */
const KINDS: Readonly<Record<string, SpanKind>> = {
  llm: "model",
  agent: "agent",
  chain: "agent",
  workflow: "agent",
  tool: "tool",
  retriever: "retrieval",
};

/** What a span stands for, by what its attributes say so far. */
export function spanKind({ attributes }: Pick<Span, "attributes">): SpanKind {
  const operation = attributes["gen_ai.operation.name"];
  if (typeof operation === "string") return Object.hasOwn(OPERATIONS, operation) ? OPERATIONS[operation] : undefined;
  const kind = attributes["openinference.span.kind"] ?? attributes["traceloop.span.kind"];
  if (typeof kind === "string") {
    const name = kind.toLowerCase();
    return Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  }
  const request = attributes["llm.request.type"];
  return request === "chat" || request === "completion" ? "model" : undefined;
}

/** The first of an attribute's names that the span has. */
export function attribute({ attributes }: Pick<Span, "attributes">, name: keyof typeof NAMES): unknown {
  return NAMES[name].map((each) => attributes[each]).find((value) => value !== undefined && value !== null);
}

export function textAttribute(span: Pick<Span, "attributes">, name: keyof typeof NAMES): string | undefined {
  const value = attribute(span, name);
  return isPlainText(value) ? value : undefined;
}

/** An attribute that is a JSON text, parsed; a list that is one already is taken as it is. */
export function jsonAttribute(span: Pick<Span, "attributes">, name: keyof typeof NAMES): unknown {
  return parsed(attribute(span, name));
}

/** Numbered attributes as a list of objects: `x.0.a.b = 1` gives `[{a: {b: 1}}]`. */
export function listAttribute({ attributes }: Pick<Span, "attributes">, name: keyof typeof LISTS): readonly unknown[] {
  for (const prefix of LISTS[name]) {
    const root: Tree = new Map();
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith(`${prefix}.`)) plant(root, key.slice(prefix.length + 1).split("."), value);
    }
    const list = grown(root);
    if (Array.isArray(list) && list.length > 0) return list;
  }
  return [];
}

type Tree = Map<string, unknown>;

function plant(tree: Tree, path: readonly string[], value: unknown): void {
  const [step = "", ...rest] = path;
  if (rest.length === 0) {
    tree.set(step, value);
    return;
  }
  const branch = tree.get(step);
  const next: Tree = branch instanceof Map ? branch : new Map();
  tree.set(step, next);
  plant(next, rest, value);
}

/** Branches that are all numbers are lists. A hole, where an attribute was dropped for its size, leaves no gap. */
function grown(tree: unknown): unknown {
  if (!(tree instanceof Map)) return tree;
  const entries = [...tree.entries()].map(([key, value]) => [key, grown(value)] as const);
  if (!entries.every(([key]) => /^\d{1,6}$/.test(key))) return Object.fromEntries(entries);
  return entries.toSorted(([one], [other]) => Number(one) - Number(other)).map(([, value]) => value);
}
