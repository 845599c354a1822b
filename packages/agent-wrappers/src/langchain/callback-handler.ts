import type { InteractionInput, Source } from "@whetstone/core";
import { assistantTurn, type ChatTurn, conversationFields, errorText, valueText } from "../chat-turns.js";
import { toSources } from "../describe-call.js";
import { currentSession, type Session } from "../interaction-context.js";
import { openRuns } from "../open-runs.js";
import { readArray, readField, readText } from "../read-field.js";
import type { Fields } from "../record-fields.js";
import { type RunOptions, recordRuns } from "../run-recorder.js";
import { messageTurn, messageTurns } from "./chat-messages.js";

/** What LangChain and LangGraph take in `{ callbacks: [handler] }`. */
export interface WhetstoneCallbackHandler {
  /** Handled at once and in order, not in LangChain's background queue: each call here takes microseconds. */
  readonly awaitHandlers: true;
  handleChainStart(
    chain: unknown,
    inputs: unknown,
    runId: string,
    parentRunIdOrType?: string,
    tags?: string[],
    metadata?: Record<string, unknown>,
    typeOrName?: string,
    nameOrParentRunId?: string,
  ): void;
  handleChainEnd(
    outputs: unknown,
    runId: string,
    parentRunId?: string,
    tags?: string[],
    kwargs?: { inputs?: Record<string, unknown> },
  ): void;
  handleChainError(error: unknown, runId: string): void;
  handleChatModelStart(
    llm: unknown,
    messages: readonly (readonly unknown[])[],
    runId: string,
    parentRunId?: string,
    extraParams?: Record<string, unknown>,
    tags?: string[],
    metadata?: Record<string, unknown>,
  ): void;
  handleLLMStart(
    llm: unknown,
    prompts: readonly string[],
    runId: string,
    parentRunId?: string,
    extraParams?: Record<string, unknown>,
    tags?: string[],
    metadata?: Record<string, unknown>,
  ): void;
  handleLLMEnd(output: unknown, runId: string): void;
  handleLLMError(error: unknown, runId: string): void;
  handleToolStart(
    tool: unknown,
    input: string,
    runId: string,
    parentRunId?: string,
    tags?: string[],
    metadata?: Record<string, unknown>,
    runName?: string,
  ): void;
  handleToolEnd(output: unknown, runId: string): void;
  handleToolError(error: unknown, runId: string): void;
  handleRetrieverStart(
    retriever: unknown,
    query: string,
    runId: string,
    parentRunId?: string,
    tags?: string[],
    metadata?: Record<string, unknown>,
    name?: string,
  ): void;
  handleRetrieverEnd(documents: unknown, runId: string): void;
  handleRetrieverError(error: unknown, runId: string): void;
}

/** One call from outside, with everything that ran in it. */
interface Root {
  readonly id: string;
  readonly startedAt: number;
  readonly session: Session;
  query: string | undefined;
  /** The conversation as the last model call saw and answered it. */
  turns: readonly ChatTurn[];
  tools: InteractionInput["tools"];
  model: string | undefined;
  usage: InteractionInput["usage"];
  finishReason: string | undefined;
  readonly toolsUsed: string[];
  readonly sources: Source[];
}

/** A step within a root. A model's holds what it was asked. */
interface Step {
  readonly root: Root;
  readonly asked?: readonly ChatTurn[];
}

/**
 * Records each call from outside (of a chain, an agent, a graph, a model) as one interaction: the conversation as the
 * last model call had it, tools, retrieved sources, tokens of all model calls, latency and errors.
 *
 * @example await chain.invoke({ question }, { callbacks: [whetstoneCallbackHandler({ agentType: "rag" })] });
 */
export function whetstoneCallbackHandler(options: RunOptions = {}): WhetstoneCallbackHandler {
  const recorder = recordRuns(options, "whetstoneCallbackHandler");
  const steps = openRuns<Step>(recorder.report);
  const { guard } = recorder;

  /** Begins a step in its parent's root, or a root of its own. */
  const begin = (runId: string, parentId: string | undefined, metadata: unknown, query: string | undefined) => {
    const root = steps.get(parentId)?.root ?? newRoot(runId, metadata, query);
    steps.begin(runId, { root });
    return root;
  };

  /** Ends a step; the end of the first one is the end of the whole. */
  const end = (runId: string, fields: (root: Root) => Fields) => {
    const root = steps.end(runId)?.root;
    if (root?.id !== runId) return;
    const said = fields(root);
    recorder.record({ ...rootFields(root), ...said }, root.session);
  };
  const fail = (error: unknown, runId: string) =>
    guard(() => end(runId, () => ({ errorOccurred: true, errorMessage: errorText(error) })));

  const startModel = (runId: string, asked: readonly ChatTurn[], parentId: unknown, extra: unknown, meta: unknown) => {
    const root = begin(runId, typeof parentId === "string" ? parentId : undefined, meta, undefined);
    steps.begin(runId, { root, asked });
    root.turns = asked;
    root.model = readText(meta, "ls_model_name") ?? root.model;
    root.tools = (readArray(readField(extra, "invocation_params"), "tools") as Root["tools"]) ?? root.tools;
  };

  return {
    awaitHandlers: true,
    handleChainStart: (_chain, inputs, runId, fourth, _tags, metadata, _seventh, eighth) =>
      // LangChain's types have the parent's id as the eighth argument, LangChain gives it as the fourth.
      guard(() => begin(runId, steps.get(fourth) ? fourth : eighth, metadata, inputText(inputs))),
    handleChainEnd: (outputs, runId, _parentRunId, _tags, kwargs) =>
      guard(() =>
        end(runId, (root) => {
          // A stream's input is not known before its end.
          root.query ??= inputText(kwargs?.inputs);
          return outputFields(outputs, root);
        }),
      ),
    handleChainError: fail,
    handleChatModelStart: (_llm, messages, runId, parentRunId, extraParams, _tags, metadata) =>
      guard(() => startModel(runId, messageTurns(messages[0] ?? []), parentRunId, extraParams, metadata)),
    handleLLMStart: (_llm, prompts, runId, parentRunId, extraParams, _tags, metadata) =>
      guard(() => {
        const asked = prompts.slice(0, 1).map((content) => ({ role: "user", content }));
        startModel(runId, asked, parentRunId, extraParams, metadata);
      }),
    handleLLMEnd: (output, runId) =>
      guard(() => {
        const step = steps.get(runId);
        if (step) addReply(step, output);
        end(runId, () => ({}));
      }),
    handleLLMError: fail,
    handleToolStart: (_tool, input, runId, parentRunId, _tags, metadata, runName) =>
      guard(() => {
        const root = begin(runId, parentRunId, metadata, input);
        if (runName !== undefined) root.toolsUsed.push(runName);
      }),
    handleToolEnd: (output, runId) =>
      guard(() => {
        const root = steps.get(runId)?.root;
        const turn = messageTurn(output);
        // The next model call is told of it, and shows it again; after the last one it would be lost.
        if (root && turn?.role === "tool") root.turns = [...root.turns, turn];
        end(runId, () => ({ answer: turn?.content ?? valueText(output) }));
      }),
    handleToolError: fail,
    handleRetrieverStart: (_retriever, query, runId, parentRunId, _tags, metadata) =>
      guard(() => begin(runId, parentRunId, metadata, query)),
    handleRetrieverEnd: (documents, runId) =>
      guard(() => {
        const root = steps.get(runId)?.root;
        if (root && Array.isArray(documents)) root.sources.push(...(toSources(documents.slice(0, MAX_SOURCES)) ?? []));
        end(runId, () => ({}));
      }),
    handleRetrieverError: fail,
  };
}

const MAX_SOURCES = 100;

function newRoot(id: string, metadata: unknown, query: string | undefined): Root {
  const own = currentSession();
  const sessionId = own.sessionId ?? readText(metadata, "session_id") ?? readText(metadata, "thread_id");
  const userId = own.userId ?? readText(metadata, "user_id");
  return {
    id,
    startedAt: performance.now(),
    session: { sessionId, userId },
    query,
    turns: [],
    tools: undefined,
    model: undefined,
    usage: undefined,
    finishReason: undefined,
    toolsUsed: [],
    sources: [],
  };
}

/** A model's answer, added to what it was asked. */
function addReply({ root, asked = [] }: Step, output: unknown): void {
  const generation = readArray(output, "generations")?.[0];
  const first = Array.isArray(generation) ? generation[0] : undefined;
  const message = readField(first, "message");
  const reply = messageTurn(message) ?? assistantTurn(readText(first, "text") ?? "", []);
  root.turns = [...asked, reply];
  root.model = readText(readField(message, "response_metadata"), "model_name") ?? root.model;
  root.finishReason = readText(readField(message, "response_metadata"), "finish_reason");
  const used = readField(message, "usage_metadata");
  const inputTokens = readField(used, "input_tokens");
  const outputTokens = readField(used, "output_tokens");
  if (typeof inputTokens !== "number" || typeof outputTokens !== "number") return;
  root.usage = {
    inputTokens: (root.usage?.inputTokens ?? 0) + inputTokens,
    outputTokens: (root.usage?.outputTokens ?? 0) + outputTokens,
  };
}

function rootFields({ query, turns, tools, model, usage, finishReason, toolsUsed, sources, startedAt }: Root): Fields {
  const conversation = conversationFields(turns, query);
  return {
    ...conversation,
    toolsUsed: [...new Set([...(conversation.toolsUsed ?? []), ...toolsUsed])],
    latencyMs: performance.now() - startedAt,
    ...(tools !== undefined && { tools }),
    ...(model !== undefined && { model }),
    ...(usage !== undefined && { usage }),
    ...(finishReason !== undefined && { metadata: { finishReason } }),
    ...(sources.length > 0 && { sources }),
  };
}

const INPUT_FIELDS = ["question", "query", "input", "prompt"];
const OUTPUT_FIELDS = ["answer", "output", "text", "result"];
const TURN_FIELDS = ["messages", "input"];

/** What was asked from outside; undefined where only the model's own messages can tell. */
function inputText(inputs: unknown): string | undefined {
  const text = fieldText(inputs, INPUT_FIELDS);
  if (text) return text;
  const turns = TURN_FIELDS.flatMap((name) => messageTurns(readArray(inputs, name) ?? []));
  return turns.findLast(({ role }) => role === "user")?.content;
}

/** What was given to the outside, where it is a text; else the model's last word stands. */
function outputFields(outputs: unknown, { turns }: Root): Fields {
  const answer = fieldText(outputs, OUTPUT_FIELDS);
  if (answer !== undefined) return { answer };
  return turns.length === 0 ? { answer: valueText(outputs) } : {};
}

function fieldText(value: unknown, names: readonly string[]): string | undefined {
  return names.map((name) => readText(value, name)).find((text) => text !== undefined);
}
