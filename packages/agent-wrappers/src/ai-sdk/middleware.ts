import { type ChatTurn, conversationFields, errorText } from "../chat-turns.js";
import { currentModelCalls, currentSession } from "../interaction-context.js";
import { readArray, readField, readText } from "../read-field.js";
import type { Fields } from "../record-fields.js";
import { type RunOptions, recordRuns } from "../run-recorder.js";
import type { ChunkWatcher } from "../watch-chunks.js";
import { isWebStream, watchWebStream } from "../watch-web-stream.js";
import { finishReasonOf, modelTools, promptTurns, replyTurns, sourcesOf, usageOf } from "./chat-messages.js";
import { gatherParts, type ReplyParts } from "./stream-parts.js";

export interface MiddlewareOptions extends RunOptions {
  /**
   * Whether an answer that calls tools is a record of its own, with `metadata.finishReason: "tool_calls"`. Default true,
   * for it may be all there is; the next call's record holds it again, with the tools' results.
   */
  readonly recordToolSteps?: boolean | undefined;
}

/** What `wrapLanguageModel` of `ai` 5, 6 and 7 takes as `middleware`. */
export interface WhetstoneMiddleware {
  // biome-ignore lint/suspicious/noExplicitAny: 6 wants "v3" here, 7 wants "v4", and both run either
  readonly specificationVersion: any;
  readonly wrapGenerate: <R extends object>(call: ModelCall & { doGenerate: () => PromiseLike<R> }) => Promise<R>;
  readonly wrapStream: <R extends object>(call: ModelCall & { doStream: () => PromiseLike<R> }) => Promise<R>;
}

interface ModelCall {
  readonly params: object;
  readonly model: object;
}

/**
 * Records every answer of a model: prompt, answer, tool calls and results, tokens, latency and errors. A run of
 * several steps is one conversation, whole in the record of its last call. Inside a call of `wrapAgent` it adds to that call's record.
 *
 * @example const model = wrapLanguageModel({ model: openai("gpt-5"), middleware: whetstoneMiddleware({ logger }) });
 */
export function whetstoneMiddleware({
  recordToolSteps = true,
  ...options
}: MiddlewareOptions = {}): WhetstoneMiddleware {
  const recorder = recordRuns(options, "whetstoneMiddleware");

  /** Hears how one call of a model ends. */
  const follow = ({ params, model }: ModelCall) => {
    const startedAt = performance.now();
    const session = currentSession();
    const agentCalls = currentModelCalls();
    let turns: ChatTurn[] = [];
    recorder.guard(() => {
      turns = promptTurns(readArray(params, "prompt") ?? []);
    });
    return (reply: ReplyParts, fields: Fields = {}) =>
      recorder.guard(() => {
        const said = replyTurns(reply.content);
        const conversation = [...turns, ...said];
        const run: Fields = {
          ...conversationFields(conversation),
          tools: modelTools(readArray(params, "tools")),
          sources: sourcesOf(reply.content),
          usage: usageOf(reply.usage),
          model: reply.modelId ?? modelIdOf(model),
          latencyMs: performance.now() - startedAt,
          ...fields,
        };
        const { errorOccurred, metadata } = fields;
        const finishReason = finishReasonOf(reply.finishReason);
        if (finishReason !== undefined) run.metadata = { finishReason, ...metadata };
        // An agent whose request failed may have asked again; where it gave up, its own record says so.
        if (agentCalls && (errorOccurred || agentCalls.add({ ...run, turns: conversation }))) return;
        const waitsForTools = said.at(-1)?.tool_calls !== undefined;
        if (waitsForTools && !recordToolSteps && !errorOccurred && !metadata) return;
        recorder.record(run, session);
      });
  };

  return {
    specificationVersion: "v3",
    async wrapGenerate(call) {
      const end = follow(call);
      try {
        const result = await call.doGenerate();
        end({
          content: readArray(result, "content") ?? [],
          usage: readField(result, "usage"),
          finishReason: readField(result, "finishReason"),
          modelId: readText(readField(result, "response"), "modelId"),
        });
        return result;
      } catch (error) {
        end(NOTHING, failure(error));
        throw error;
      }
    },
    async wrapStream(call) {
      const end = follow(call);
      try {
        const result = await call.doStream();
        recorder.guard(() => {
          const stream = readField(result, "stream");
          if (typeof stream === "object" && stream !== null && isWebStream(stream)) watchWebStream(stream, watch(end));
        });
        return result;
      } catch (error) {
        end(NOTHING, failure(error));
        throw error;
      }
    },
  };
}

type End = (reply: ReplyParts, fields?: Fields) => void;

const NOTHING: ReplyParts = { content: [], usage: undefined, finishReason: undefined, modelId: undefined };

/** Watches the very stream that the SDK reads, and ends the call once, when the stream does. */
function watch(end: End): ChunkWatcher {
  const parts = gatherParts();
  let started = false;
  let left = false;
  let ended = false;
  const once = (fields?: Fields) => {
    if (ended) return;
    ended = true;
    const { error } = parts;
    end(parts.reply(), error === undefined ? fields : { ...fields, ...failure(error) });
  };
  return {
    get started() {
      return started;
    },
    start() {
      started = true;
    },
    chunk: parts.add,
    leave() {
      left = true;
    },
    end: () => once(left ? { metadata: { cancelled: true } } : {}),
    fail: (error) => once(failure(error)),
    run: (step, self, args) => Reflect.apply(step, self, args),
  };
}

function failure(error: unknown): Fields {
  return { errorOccurred: true, errorMessage: errorText(error) };
}

/** Models are classes: some have their id in a getter. */
function modelIdOf(model: object): string | undefined {
  const { modelId } = model as { modelId?: unknown };
  return typeof modelId === "string" ? modelId : undefined;
}
