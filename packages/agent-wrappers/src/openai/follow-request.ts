import { conversationFields, errorText } from "../chat-turns.js";
import { currentModelCalls, currentSession } from "../interaction-context.js";
import type { Fields } from "../record-fields.js";
import type { RunRecorder } from "../run-recorder.js";
import type { ChunkWatcher } from "../watch-chunks.js";
import { watchIterable } from "../watch-iterator.js";
import type { Dialect, Reply, Request } from "./dialect.js";

/** One request on its way. Nothing here throws; only the first answer and the first ending count. */
export interface FollowedRequest {
  /** The answer is there: a result, or a stream that will be watched to its end. */
  answered(result: unknown): void;
  failed(error: unknown): void;
}

export interface FollowOptions {
  readonly recorder: RunRecorder;
  readonly recordToolSteps: boolean;
}

/** Reads a request as it is made, and records it when its answer has really ended. */
export function followRequest(dialect: Dialect, body: unknown, options: FollowOptions): FollowedRequest {
  const { recorder, recordToolSteps } = options;
  const startedAt = performance.now();
  const session = currentSession();
  const agentCalls = currentModelCalls();
  let request: Request = { turns: [], tools: undefined, model: undefined };
  recorder.guard(() => {
    request = dialect.readRequest(body);
  });
  let answered = false;
  let ended = false;

  const record = (reply: Reply, cancelled: boolean) => {
    const { instructions, tools, model } = request;
    const turns = [...(instructions ? [instructions] : []), ...request.turns, ...reply.turns];
    const { query, answer, messages, toolsUsed = [] } = conversationFields(turns);
    const call: Fields = {
      query: query ?? "",
      answer: answer ?? "",
      tools,
      toolsUsed: [...new Set([...toolsUsed, ...(reply.toolsUsed ?? [])])],
      usage: reply.usage,
      model: reply.model ?? model,
      latencyMs: performance.now() - startedAt,
      metadata: known({ ...request.metadata, finishReason: reply.finishReason }),
    };
    const failed = reply.error !== undefined;
    // An agent whose request failed may have asked again; where it gave up, its own record says so.
    if (agentCalls && (failed || agentCalls.add({ ...call, turns }))) return;
    if (!recordToolSteps && reply.finishReason === "tool_calls") return;
    recorder.record(
      {
        ...call,
        messages,
        ...(cancelled && { metadata: { ...call.metadata, cancelled } }),
        ...(failed && { errorOccurred: true, errorMessage: reply.error }),
      },
      session,
    );
  };

  const end = (replies: () => readonly Reply[], cancelled = false) => {
    if (ended) return;
    ended = true;
    // Several choices are several answers to one question. An agent goes on with the first.
    recorder.guard(() => {
      for (const reply of agentCalls ? replies().slice(0, 1) : replies()) record(reply, cancelled);
    });
  };

  const watchStream = (stream: object) => {
    const gathered = dialect.gatherChunks();
    const replies = () => {
      const heard = dialect.readReplies(gathered.result(), request);
      return heard.length > 0 ? heard : [SILENCE];
    };
    let started = false;
    let left = false;
    const watcher: ChunkWatcher = {
      get started() {
        return started;
      },
      start() {
        started = true;
      },
      chunk: (chunk) => recorder.guard(() => gathered.add(chunk)),
      leave() {
        left = !gathered.ended;
      },
      // An aborted stream ends like one that is over: only the model's own end tells them apart.
      end: () => end(replies, left || !gathered.ended),
      fail: (error) => end(() => replies().map((reply) => ({ ...reply, error: errorText(error) }))),
      run: (step, self, args) => Reflect.apply(step, self, args),
    };
    watchIterable(stream, watcher);
  };

  return {
    answered(result) {
      if (answered) return;
      answered = true;
      recorder.guard(() => {
        const streams = typeof result === "object" && result !== null && Symbol.asyncIterator in result;
        if (streams) watchStream(result);
        else end(() => dialect.readReplies(result, request));
      });
    },
    failed: (error) => end(() => [{ ...SILENCE, error: errorText(error) }]),
  };
}

const SILENCE: Reply = { turns: [], finishReason: undefined, model: undefined, usage: undefined };

function known(fields: Record<string, unknown>): Fields["metadata"] {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}
