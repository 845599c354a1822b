import { type ChatTurn, conversationFields, toolTurn, valueText } from "../chat-turns.js";
import { currentSession, type Session } from "../interaction-context.js";
import { openRuns } from "../open-runs.js";
import { readField, readText } from "../read-field.js";
import { type Fields, layFields } from "../record-fields.js";
import { type RunOptions, recordRuns } from "../run-recorder.js";
import { modelSpan } from "./model-span.js";

/** What `addTraceProcessor` of `@openai/agents` takes. */
export interface WhetstoneTraceProcessor {
  onTraceStart(trace: object): Promise<void>;
  onTraceEnd(trace: object): Promise<void>;
  onSpanStart(span: object): Promise<void>;
  onSpanEnd(span: object): Promise<void>;
  forceFlush(): Promise<void>;
  shutdown(timeout?: number): Promise<void>;
}

/** One trace: a run of an agent, with all agents that it handed over to. */
interface Run {
  readonly trace: Trace;
  readonly startedAt: number;
  readonly session: Session;
  readonly agents: Set<string>;
  /** The conversation as the last model call saw and answered it. */
  turns: readonly ChatTurn[];
  /** What tools gave since then. */
  results: readonly { readonly name: string | undefined; readonly output: string }[];
  fields: Fields;
  error: string | undefined;
  /** Calls of the runner that are under way. */
  tasks: number;
}

/** The SDK's traces and spans say everything through getters, so they are read as what they are. */
interface Trace {
  readonly traceId?: unknown;
  readonly name?: unknown;
  readonly groupId?: unknown;
  readonly metadata?: unknown;
}
interface Span {
  readonly traceId?: unknown;
  readonly spanData?: unknown;
  readonly traceMetadata?: unknown;
  readonly error?: unknown;
}

/**
 * Records each trace as one interaction: the conversation as the last model call had it, tool calls and results,
 * agents, tokens of all model calls, latency and errors. The trace's `groupId` is the session.
 *
 * @example addTraceProcessor(whetstoneTraceProcessor({ agentType: "support" }));
 */
export function whetstoneTraceProcessor(options: RunOptions = {}): WhetstoneTraceProcessor {
  const recorder = recordRuns(options, "whetstoneTraceProcessor");
  const runs = openRuns<Run>(recorder.report);
  const guard = async (step: () => void) => recorder.guard(step);

  const end = (traceId: unknown) => {
    const run = runs.end(text(traceId));
    if (run) recorder.record(runFields(run), run.session);
  };

  return {
    onTraceStart: (trace: Trace) =>
      guard(() => {
        const id = text(trace.traceId);
        if (id !== undefined) runs.begin(id, newRun(trace));
      }),
    onTraceEnd: (trace: Trace) => guard(() => end(trace.traceId)),
    onSpanStart: (span: Span) =>
      guard(() => {
        const id = text(span.traceId);
        const type = readText(span.spanData, "type");
        const name = readText(span.spanData, "name");
        if (type === "task") {
          // A trace goes on after a run in it has failed.
          if (id !== undefined && !runs.get(id)) runs.begin(id, newRun({ name, metadata: span.traceMetadata }));
          const run = runs.get(id);
          if (run) run.tasks += 1;
        }
        if (type === "agent" && name !== undefined) runs.get(id)?.agents.add(name);
      }),
    onSpanEnd: (span: Span) =>
      guard(() => {
        const run = runs.get(text(span.traceId));
        if (!run) return;
        addSpan(run, span);
        if (readText(span.spanData, "type") !== "task") return;
        run.tasks -= 1;
        run.error = span.error ? errorOf(span.error) : undefined;
        // The SDK never ends the trace of a run that throws.
        if (span.error && run.tasks <= 0) end(span.traceId);
      }),
    forceFlush: () => recorder.flush(),
    shutdown: () => recorder.flush(),
  };
}

function newRun(trace: Trace): Run {
  const { sessionId = text(trace.groupId), userId } = currentSession();
  return {
    trace,
    startedAt: performance.now(),
    session: { sessionId, userId },
    agents: new Set(),
    turns: [],
    results: [],
    fields: {},
    error: undefined,
    tasks: 0,
  };
}

function addSpan(run: Run, { spanData }: Span): void {
  const type = readText(spanData, "type");
  if (type === "function") {
    run.results = [...run.results, { name: readText(spanData, "name"), output: readText(spanData, "output") ?? "" }];
  }
  const call = modelSpan(spanData);
  if (call) {
    const { inputTokens = 0, outputTokens = 0 } = run.fields.usage ?? {};
    const { turns, usage, ...fields } = call;
    if (turns.length > 0) run.turns = turns;
    run.results = [];
    layFields(run.fields, fields);
    if (usage) {
      run.fields.usage = {
        inputTokens: inputTokens + usage.inputTokens,
        outputTokens: outputTokens + usage.outputTokens,
      };
    }
  }
}

function runFields({ trace: { name, metadata }, turns, results, fields, agents, error, startedAt }: Run): Fields {
  const whole = [...turns, ...resultTurns(turns, results)];
  const conversation = conversationFields(whole);
  const last = whole.at(-1);
  const own = typeof metadata === "object" && metadata !== null ? metadata : {};
  return {
    ...conversation,
    ...(last?.role === "tool" && error === undefined && { answer: last.content }),
    ...fields,
    latencyMs: performance.now() - startedAt,
    metadata: { ...own, ...fields.metadata, workflow: text(name) ?? "", agents: [...agents] },
    ...(error !== undefined && { errorOccurred: true, errorMessage: error }),
  };
}

/** A tool's span does not say which call it answers: its name and the order do. */
function resultTurns(turns: readonly ChatTurn[], results: Run["results"]): ChatTurn[] {
  const open = [...(turns.at(-1)?.tool_calls ?? [])];
  return results.flatMap(({ name, output }) => {
    const at = open.findIndex((call) => call.function.name === name);
    const [call] = at < 0 ? [] : open.splice(at, 1);
    return call ? [toolTurn(call.id, name, output)] : [];
  });
}

/** The SDK's own message is the same for all failures; what was thrown stands beside it. */
function errorOf(error: unknown): string {
  return readText(readField(error, "data"), "error") ?? readText(error, "message") ?? valueText(error);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
