import { AsyncLocalStorage } from "node:async_hooks";
import { createReadStream, openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { setImmediate as nextTurn } from "node:timers/promises";
import { wrapAgent } from "@whetstone/agent-wrappers";
import { createInteractionLogger, openStore } from "@whetstone/core";
import type { About, Agent } from "./capture-payload.js";

/** One way to record what an agent does. */
export interface Recorder {
  wrap(agent: Agent): Agent;
  /** Waits until everything is delivered, as far as the library knows. */
  flush(): Promise<unknown>;
  /** The texts of what a store of ours holds; of what went to the sink, the sink knows. */
  stored?(): AsyncIterable<string>;
  /** What was refused, and what waits in memory, where the library tells. */
  books?(): { readonly dropped: number; readonly queuedBytes: number };
}

/** Opens each recorder at its defaults. `place` is the sink's URL, a folder or the URL of a store. Peers load on demand. */
export const recorders = {
  bare: async () => ({ wrap: (agent) => agent, flush: nothing }),
  closure: async () => {
    const rows: object[] = [];
    return { wrap: (agent) => pushed(agent, rows), flush: nothing };
  },
  written: async (place) => written(place),
  file: async (place) => whetstone(`file:${place}`),
  redis: async (place) => whetstone(place),
  langfuse: async (place) => {
    const [{ LangfuseSpanProcessor }, { observe }, { NodeTracerProvider }] = await Promise.all([
      import("@langfuse/otel"),
      import("@langfuse/tracing"),
      import("@opentelemetry/sdk-trace-node"),
    ]);
    const processor = new LangfuseSpanProcessor({ publicKey: "pk", secretKey: "sk", baseUrl: place });
    const provider = new NodeTracerProvider({ spanProcessors: [processor] });
    provider.register();
    return { wrap: (agent) => observe(agent, { name: "agent" }), flush: () => provider.forceFlush() };
  },
  langsmith: async (place) => {
    const [{ Client }, { traceable }] = await Promise.all([import("langsmith"), import("langsmith/traceable")]);
    const client = new Client({ apiUrl: place, apiKey: "none" });
    const options = { name: "agent", client, tracingEnabled: true };
    return { wrap: (agent) => traceable(agent, options) as Agent, flush: () => client.awaitPendingTraceBatches() };
  },
  braintrust: async (place) => {
    const { initLogger, wrapTraced } = await import("braintrust");
    const logger = initLogger({ projectName: "bench", apiKey: "none", appUrl: place });
    return { wrap: (agent) => wrapTraced(agent, { name: "agent" }) as Agent, flush: () => logger.flush() };
  },
  otel: async (place) => {
    const [{ NodeTracerProvider }, { BatchSpanProcessor }, { OTLPTraceExporter }] = await Promise.all([
      import("@opentelemetry/sdk-trace-node"),
      import("@opentelemetry/sdk-trace-base"),
      import("@opentelemetry/exporter-trace-otlp-http"),
    ]);
    const exporter = new OTLPTraceExporter({ url: `${place}/v1/traces` });
    const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
    provider.register();
    const tracer = provider.getTracer("bench");
    const wrap = (agent: Agent): Agent => {
      return (query) =>
        tracer.startActiveSpan("agent", async (span) => {
          try {
            const result = await agent(query);
            span.setAttributes({ query, ...result });
            return result;
          } finally {
            span.end();
          }
        });
    };
    return { wrap, flush: () => provider.forceFlush() };
  },
} satisfies Record<string, (place: string) => Promise<Recorder>>;

export type RecorderName = keyof typeof recorders;

/** Ours, as the first page of the documentation has it. */
function whetstone(url: string): Recorder {
  const store = openStore(url);
  const logger = createInteractionLogger({ store });
  return {
    wrap: (agent) =>
      wrapAgent(agent, {
        logger,
        agentType: "general",
        describe: (_args, result) => (result ? { metadata: aboutOf(result) } : {}),
      }),
    flush: () => logger.flush({ timeoutMs: 60_000 }),
    async *stored() {
      for await (const records of store.query()) for (const { query, answer } of records) yield query + answer;
    },
    books() {
      const { dropped, queuedBytes } = logger.stats();
      return { dropped: Object.values(dropped).reduce((sum, count) => sum + count, 0), queuedBytes };
    },
  };
}

/** What somebody would write by hand. It delivers nothing. */
function pushed(agent: Agent, rows: object[]): Agent {
  return async (query) => {
    const started = performance.now();
    const result = await agent(query);
    rows.push({
      query,
      answer: result.answer,
      agentType: "general",
      timestamp: Date.now(),
      latencyMs: performance.now() - started,
      metadata: aboutOf(result),
    });
    return result;
  };
}

/**
 * The least that brings every call to a disk: what the closure above keeps, as JSON, appended once a turn, and a context
 * that follows the call, as the other recorders have. No ids, no checks, no index, nothing taken out.
 */
function written(path: string): Recorder {
  const fd = openSync(path, "a");
  const scopes = new AsyncLocalStorage<object>();
  const rows: object[] = [];
  let planned = false;
  const write = () => {
    planned = false;
    writeSync(fd, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    rows.length = 0;
  };
  return {
    wrap: (agent) => {
      const recorded = pushed(agent, rows);
      return async (query) => {
        const result = await scopes.run({}, recorded, query);
        if (!planned) setImmediate(write);
        planned = true;
        return result;
      };
    },
    flush: () => nextTurn(),
    async *stored() {
      yield* createInterface(createReadStream(path));
    },
  };
}

function aboutOf({ region, attempt, cached, temperature, session }: About) {
  return { region, attempt, cached, temperature, session };
}

const nothing = async () => undefined;
