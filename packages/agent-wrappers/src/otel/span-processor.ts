import { type RunOptions, recordRuns } from "../run-recorder.js";
import { assembleRun } from "./assemble-run.js";
import { readSpan, type SpanReading } from "./read-span.js";
import type { Span } from "./span.js";
import { spanKind } from "./span-attributes.js";

/** What a tracer provider takes as a span processor, in every version of the SDK. */
export interface WhetstoneSpanProcessor {
  onStart(span: Span, parentContext?: unknown): void;
  onEnd(span: Span): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
  stats(): SpanProcessorStats;
}

/** The processor's books. Spans of other work are not counted. */
export interface SpanProcessorStats {
  /** Spans of agents, models, tools and retrievers that have ended. */
  readonly spans: number;
  /** Records made of them. */
  readonly recorded: number;
  /** Agents and models that answered, but whose spans hold no content: their instrumentation has it switched off. */
  readonly withoutContent: number;
  /** What all models together used. */
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Spans that are open at one time. Beyond, the oldest is taken for one that will never end. */
const MAX_OPEN = 10_000;
/** Spans inside one that are kept for its record. */
const MAX_INSIDE = 1_000;

/**
 * Records what instrumented agents and models do, from the spans that they make: one record for each outermost agent,
 * chain or model call. Spans without content are counted and make no record. OpenTelemetry is not imported.
 *
 * @example new NodeSDK({ spanProcessors: [whetstoneSpanProcessor({ logger })] }).start();
 */
export function whetstoneSpanProcessor(options: RunOptions = {}): WhetstoneSpanProcessor {
  const recorder = recordRuns(options, "whetstoneSpanProcessor");
  const open = new Map<string, OpenSpan>();
  let [spans, recorded, withoutContent, inputTokens, outputTokens] = [0, 0, 0, 0, 0];

  const record = (top: SpanReading | undefined, inside: readonly SpanReading[]) => {
    const run = assembleRun(top, inside);
    if (!run) {
      withoutContent += 1;
      return;
    }
    const all = top ? [top, ...inside] : inside;
    const agentType = options.agentType ?? top?.agentName;
    const session = {
      sessionId: all.find(({ sessionId }) => sessionId !== undefined)?.sessionId,
      userId: all.find(({ userId }) => userId !== undefined)?.userId,
    };
    recorder.record({ ...run, ...(agentType && { agentType }) }, session);
    recorded += 1;
  };

  const close = (span: Span) => {
    const key = keyOf(span, span.spanContext().spanId);
    const inside = open.get(key)?.inside ?? [];
    const outer = outerSpan(open.get(key)?.parent ?? open.get(keyOf(span, parentId(span))));
    open.delete(key);
    const reading = readSpan(span);
    if (!reading) return;
    spans += 1;
    if (reading.kind === "model") {
      inputTokens += reading.usage?.inputTokens ?? 0;
      outputTokens += reading.usage?.outputTokens ?? 0;
    }
    if (outer) outer.inside.push(...contribution(reading, inside).slice(0, MAX_INSIDE - outer.inside.length));
    else if (reading.kind === "agent" || reading.kind === "model") record(reading, inside);
  };

  return {
    onStart: (span) =>
      recorder.guard(() => {
        const parent = open.get(keyOf(span, parentId(span)));
        open.set(keyOf(span, span.spanContext().spanId), { span, parent, inside: [] });
        const [oldest] = open.keys();
        if (open.size > MAX_OPEN && oldest !== undefined) open.delete(oldest);
      }),
    onEnd: (span) => recorder.guard(() => close(span)),
    forceFlush: () => recorder.flush(),
    async shutdown() {
      // Agents that are cut off here have done what their models did.
      for (const { inside } of open.values()) if (inside.length > 0) recorder.guard(() => record(undefined, inside));
      open.clear();
      await recorder.flush();
    },
    stats: () => ({ spans, recorded, withoutContent, inputTokens, outputTokens }),
  };
}

interface OpenSpan {
  readonly span: Span;
  readonly parent: OpenSpan | undefined;
  /** What the agent's, model's and tool's spans inside it told when they ended. */
  readonly inside: SpanReading[];
}

/** The nearest span around it that is an agent's, a model's or a tool's, however much other work lies between. */
function outerSpan(span: OpenSpan | undefined): OpenSpan | undefined {
  for (let outer = span; outer; outer = outer.parent) if (spanKind(outer.span)) return outer;
  return undefined;
}

/** What a span adds to the one around it. An agent inside another counts by what its own models did. */
function contribution(reading: SpanReading, inside: readonly SpanReading[]): readonly SpanReading[] {
  const told = inside.some(({ turns }) => turns.length > 0);
  if (reading.kind === "agent") return told ? inside : [...inside, { ...reading, kind: "model" }];
  // Two instrumentations may tell of one call of a model.
  if (reading.kind === "model") return reading.turns.length > 0 || !told ? [reading] : inside;
  return [reading, ...inside];
}

function parentId({ parentSpanContext, parentSpanId }: Span): string | undefined {
  return parentSpanContext?.spanId ?? parentSpanId;
}

function keyOf(span: Span, spanId: string | undefined): string {
  return `${span.spanContext().traceId} ${spanId}`;
}
