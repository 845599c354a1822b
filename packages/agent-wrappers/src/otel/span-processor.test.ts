import { type Attributes, type Context, context, ROOT_CONTEXT, SpanStatusCode, trace } from "@opentelemetry/api";
import { BasicTracerProvider, type SpanProcessor } from "@opentelemetry/sdk-trace-base";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { RunOptions } from "../run-recorder.js";
import { testLogger } from "../test-logger.js";
import { type WhetstoneSpanProcessor, whetstoneSpanProcessor } from "./span-processor.js";
import { weatherTurns } from "./weather.fixture.js";

/** A span to be made: its attributes, and the spans inside it. */
interface Made {
  readonly name?: string;
  readonly attributes?: Attributes;
  /** Set while the span runs, as most instrumentations do with what the model gave. */
  readonly later?: Attributes;
  readonly inside?: readonly Made[];
  readonly startTime?: number;
  readonly endTime?: number;
  readonly error?: string;
  readonly event?: { readonly name: string; readonly attributes: Attributes };
}

function traced(options: RunOptions = {}) {
  const { logger, records } = testLogger();
  const processor = whetstoneSpanProcessor({ logger, ...options });
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });
  const tracer = provider.getTracer("test");
  const make = (made: Made, parent: Context = ROOT_CONTEXT) => {
    const { name = "span", attributes = {}, later = {}, inside = [], startTime, endTime, error, event } = made;
    const span = tracer.startSpan(name, { attributes, ...(startTime !== undefined && { startTime }) }, parent);
    for (const child of inside) make(child, trace.setSpan(parent, span));
    span.setAttributes(later);
    if (event) span.addEvent(event.name, event.attributes);
    if (error !== undefined) {
      span.recordException(new Error(error));
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end(endTime);
  };
  return { processor, provider, make, records, tracer };
}

const T0 = Date.UTC(2026, 2, 1);
const text = (role: string, content: string) => ({ role, parts: [{ type: "text", content }] });
const callPart = { type: "tool_call", id: "c1", name: "weather", arguments: { city: "Paris" } };
const resultPart = { type: "tool_call_response", id: "c1", response: { degrees: 21 } };

function chat(input: readonly object[], output: object, more: Attributes = {}): Made {
  return {
    name: "chat m-1",
    attributes: { "gen_ai.operation.name": "chat", "gen_ai.request.model": "m-1", "gen_ai.provider.name": "openai" },
    later: {
      "gen_ai.input.messages": JSON.stringify(input),
      "gen_ai.output.messages": JSON.stringify([output]),
      "gen_ai.usage.input_tokens": 10,
      "gen_ai.usage.output_tokens": 5,
      ...more,
    },
  };
}

describe("whetstoneSpanProcessor", () => {
  it("records a model's span by the GenAI conventions", async () => {
    const { make, records, processor } = traced({ agentType: "math", variant: "v2" });
    make({
      ...chat(
        [text("user", "5!")],
        { ...text("assistant", "120"), finish_reason: "stop" },
        {
          "gen_ai.conversation.id": "s-1",
          "gen_ai.response.model": "m-1-2026",
        },
      ),
      startTime: T0,
      endTime: T0 + 1500,
    });
    const [record, ...more] = await records();
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      query: "5!",
      answer: "120",
      agentType: "math",
      variant: "v2",
      model: "m-1-2026",
      usage: { inputTokens: 10, outputTokens: 5 },
      sessionId: "s-1",
      timestamp: T0 + 1500,
      latencyMs: 1500,
      errorOccurred: false,
      metadata: { finishReason: "stop", provider: "openai" },
    });
    expect(record?.metadata?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(record?.messages).toBeUndefined();
    expect(processor.stats()).toEqual({ spans: 1, recorded: 1, withoutContent: 0, inputTokens: 10, outputTokens: 5 });
  });

  it("records an agent once, with the trajectory of its model and the tokens of all calls", async () => {
    const { make, records } = traced();
    const history = [text("user", "How warm is Paris?")];
    const instructions = { "gen_ai.system_instructions": '[{"type":"text","content":"Be brief."}]' };
    const tools = {
      "gen_ai.tool.definitions": '[{"type":"function","name":"weather","parameters":{"type":"object"}}]',
    };
    make({
      name: "POST /ask",
      inside: [
        {
          name: "invoke_agent",
          attributes: { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "forecaster" },
          later: {
            "gen_ai.input.messages": JSON.stringify(history),
            "gen_ai.output.messages": JSON.stringify([text("assistant", "21 degrees")]),
          },
          inside: [
            { name: "step", inside: [chat(history, { role: "assistant", parts: [callPart] }, instructions)] },
            {
              name: "execute_tool weather",
              attributes: { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather" },
            },
            chat(
              [...history, { role: "assistant", parts: [callPart] }, { role: "tool", parts: [resultPart] }],
              text("assistant", "21 degrees"),
              { ...instructions, ...tools },
            ),
          ],
        },
      ],
    });
    const [record, ...more] = await records();
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      query: "How warm is Paris?",
      answer: "21 degrees",
      agentType: "forecaster",
      model: "m-1",
      usage: { inputTokens: 20, outputTokens: 10 },
      toolsUsed: ["weather"],
      tools: [{ type: "function", function: { name: "weather", parameters: { type: "object" } } }],
      metadata: { agent: "forecaster", modelCalls: 2 },
    });
    expect(record?.messages).toEqual(weatherTurns);
    expect(record?.flags).toBeUndefined();
  });

  it("puts the tools that ran into an agent's record where its model's spans are silent", async () => {
    const { make, records } = traced();
    const tool = (id: string, at: number): Made => ({
      name: "execute_tool weather",
      attributes: {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "weather",
        "gen_ai.tool.call.id": id,
        "gen_ai.tool.call.arguments": `{"city":"${id}"}`,
      },
      later: { "gen_ai.tool.call.result": `"${id} is warm"` },
      startTime: at,
      endTime: at + 10,
    });
    make({
      attributes: {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.input.messages": JSON.stringify([text("user", "Where is it warm?")]),
      },
      startTime: T0,
      inside: [tool("paris", T0 + 5), tool("rome", T0 + 8), tool("oslo", T0 + 50)],
      later: { "gen_ai.output.messages": JSON.stringify([text("assistant", "Everywhere.")]) },
      endTime: T0 + 100,
    });
    const [record] = await records();
    expect(
      record?.messages?.map(({ role, content, tool_calls }) => [role, tool_calls?.map(({ id }) => id) ?? content]),
    ).toEqual([
      ["user", "Where is it warm?"],
      ["assistant", ["paris", "rome"]],
      ["tool", '"paris is warm"'],
      ["tool", '"rome is warm"'],
      ["assistant", ["oslo"]],
      ["tool", '"oslo is warm"'],
      ["assistant", "Everywhere."],
    ]);
    expect(record?.messages?.[1]?.tool_calls?.[0]?.function.arguments).toEqual({ city: "paris" });
    expect(record?.toolsUsed).toEqual(["weather"]);
  });

  it("counts spans without content and makes no row of them", async () => {
    const { make, records, processor } = traced();
    const silent: Made = {
      attributes: { "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "m-1" },
      later: { "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5 },
    };
    make(silent);
    make({ attributes: { "gen_ai.operation.name": "invoke_agent" }, inside: [silent, silent] });
    make(chat([text("user", "asked, but the answer was not recorded")], { role: "assistant", parts: [] }));
    make({ name: "GET /", inside: [{ name: "SELECT 1" }] });
    expect(await records()).toEqual([]);
    expect(processor.stats()).toEqual({ spans: 5, recorded: 0, withoutContent: 3, inputTokens: 40, outputTokens: 20 });
  });

  it("takes content from the span's event where it stands there", async () => {
    const { make, records } = traced();
    make({
      attributes: { "gen_ai.operation.name": "chat" },
      event: {
        name: "gen_ai.client.inference.operation.details",
        attributes: {
          "gen_ai.input.messages": JSON.stringify([text("user", "5!")]),
          "gen_ai.output.messages": JSON.stringify([text("assistant", "120")]),
        },
      },
    });
    expect(await records()).toMatchObject([{ query: "5!", answer: "120" }]);
  });

  it("records what failed, with the error", async () => {
    const { make, records } = traced();
    make({
      attributes: {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": JSON.stringify([text("user", "5!")]),
        "error.type": "RateLimitError",
      },
      error: "too many requests",
    });
    expect(await records()).toMatchObject([
      { query: "5!", answer: "", errorOccurred: true, errorMessage: "too many requests" },
    ]);
  });

  it("reads what Traceloop writes", async () => {
    const { make, records } = traced();
    make({
      name: "forecast.workflow",
      attributes: { "traceloop.span.kind": "workflow", "traceloop.entity.name": "forecast" },
      later: { "traceloop.association.properties.session_id": "s-1" },
      inside: [
        {
          name: "openai.chat",
          attributes: { "llm.request.type": "chat", "gen_ai.system": "OpenAI", "gen_ai.request.model": "m-1" },
          later: {
            "gen_ai.prompt.0.role": "system",
            "gen_ai.prompt.0.content": "Be brief.",
            "gen_ai.prompt.1.role": "user",
            "gen_ai.prompt.1.content": '[{"type":"text","text":"How warm is Paris?"}]',
            "gen_ai.prompt.2.role": "assistant",
            "gen_ai.prompt.2.tool_calls.0.id": "c1",
            "gen_ai.prompt.2.tool_calls.0.name": "weather",
            "gen_ai.prompt.2.tool_calls.0.arguments": '{"city":"Paris"}',
            "gen_ai.prompt.3.role": "tool",
            "gen_ai.prompt.3.tool_call_id": "c1",
            "gen_ai.prompt.3.content": '{"degrees":21}',
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": "21 degrees",
            "gen_ai.completion.0.finish_reason": "stop",
            "llm.request.functions.0.name": "weather",
            "llm.request.functions.0.parameters": '{"type":"object"}',
            "gen_ai.usage.prompt_tokens": 10,
            "gen_ai.usage.completion_tokens": 5,
          },
        },
      ],
    });
    const [record, ...more] = await records();
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      query: "How warm is Paris?",
      answer: "21 degrees",
      sessionId: "s-1",
      model: "m-1",
      usage: { inputTokens: 10, outputTokens: 5 },
      tools: [{ type: "function", function: { name: "weather", parameters: { type: "object" } } }],
      metadata: { finishReason: "stop" },
    });
    expect(record?.messages).toEqual(weatherTurns);
  });

  it("reads what OpenInference writes", async () => {
    const { make, records } = traced();
    const message = (prefix: string, fields: Attributes) =>
      Object.fromEntries(Object.entries(fields).map(([name, value]) => [`${prefix}.message.${name}`, value]));
    const call = "tool_calls.0.tool_call";
    make({
      attributes: { "openinference.span.kind": "CHAIN", "input.value": "How warm is Paris?" },
      later: { "output.value": "21 degrees", "user.id": "ada" },
      inside: [
        {
          attributes: { "openinference.span.kind": "RETRIEVER", "input.value": "paris" },
          later: {
            "retrieval.documents.0.document.id": "geo.md",
            "retrieval.documents.0.document.content": "Paris is warm",
            "retrieval.documents.0.document.score": 0.5,
          },
        },
        {
          attributes: { "openinference.span.kind": "LLM", "llm.model_name": "m-1" },
          later: {
            ...message("llm.input_messages.0", { role: "system", content: "Be brief." }),
            ...message("llm.input_messages.1", {
              role: "user",
              "contents.0.message_content.type": "text",
              "contents.0.message_content.text": "How warm is Paris?",
            }),
            ...message("llm.input_messages.2", {
              role: "assistant",
              [`${call}.id`]: "c1",
              [`${call}.function.name`]: "weather",
              [`${call}.function.arguments`]: '{"city":"Paris"}',
            }),
            ...message("llm.input_messages.3", { role: "tool", content: '{"degrees":21}', tool_call_id: "c1" }),
            ...message("llm.output_messages.0", { role: "assistant", content: "21 degrees" }),
            "llm.tools.0.tool.json_schema": '{"type":"function","function":{"name":"weather"}}',
            "llm.token_count.prompt": 10,
            "llm.token_count.completion": 5,
          },
        },
      ],
    });
    const [record, ...more] = await records();
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      query: "How warm is Paris?",
      answer: "21 degrees",
      model: "m-1",
      usage: { inputTokens: 10, outputTokens: 5 },
      sources: [{ id: "geo.md", text: "Paris is warm", score: 0.5 }],
      tools: [{ type: "function", function: { name: "weather" } }],
    });
    expect(record?.userId).toMatch(/./);
    expect(record?.messages).toEqual(weatherTurns);
  });

  it("reads whole inputs and outputs, as text or as JSON", async () => {
    const { make, records } = traced();
    const kind = { "openinference.span.kind": "AGENT" };
    make({ attributes: { ...kind, "input.value": '{"question":"5!"}', "output.value": '{"answer":"120"}' } });
    make({ attributes: { ...kind, "input.value": "5!", "output.value": "broken {json" } });
    expect((await records()).map(({ query, answer }) => [query, answer])).toEqual([
      ["5!", "120"],
      ["5!", "broken {json"],
    ]);
  });

  it("records a call that two instrumentations tell of once", async () => {
    const { make, records, processor } = traced();
    const inner = chat([text("user", "5!")], text("assistant", "120"));
    make({ attributes: { "gen_ai.operation.name": "chat", "gen_ai.request.model": "outer" }, inside: [inner] });
    expect(await records()).toMatchObject([{ query: "5!", answer: "120", model: "m-1" }]);
    expect(processor.stats()).toMatchObject({ recorded: 1, withoutContent: 0 });
  });

  it("keeps traces that run at one time apart", async () => {
    const { records, tracer } = traced();
    const attributes = { "gen_ai.operation.name": "invoke_agent" };
    const agents = ["a", "b"].map((name) => ({ name, span: tracer.startSpan(name, { attributes }, ROOT_CONTEXT) }));
    for (const { name, span } of agents) {
      const inside = trace.setSpan(ROOT_CONTEXT, span);
      const { attributes = {}, later = {} } = chat([text("user", `ask ${name}`)], text("assistant", `said ${name}`));
      tracer.startSpan("chat", { attributes: { ...attributes, ...later } }, inside).end();
    }
    for (const { span } of agents) span.end();
    expect((await records()).map(({ query, answer }) => [query, answer])).toEqual([
      ["ask a", "said a"],
      ["ask b", "said b"],
    ]);
  });

  it("records what an agent's models did when it is shut down before the agent ends", async () => {
    const { records, tracer, provider } = traced();
    const agent = tracer.startSpan("agent", { attributes: { "gen_ai.operation.name": "invoke_agent" } }, ROOT_CONTEXT);
    const { attributes = {}, later = {} } = chat([text("user", "5!")], text("assistant", "120"));
    tracer.startSpan("chat", { attributes: { ...attributes, ...later } }, trace.setSpan(ROOT_CONTEXT, agent)).end();
    await provider.shutdown();
    expect(await records()).toMatchObject([{ query: "5!", answer: "120" }]);
  });

  it("does not let odd attributes or a failing logger reach the application", async () => {
    const errors: unknown[] = [];
    const broken = {
      log() {
        throw new Error("no logger");
      },
    };
    const { make, processor } = traced({ logger: broken as never, onError: (error) => errors.push(error) });
    make(chat([text("user", "5!")], text("assistant", "120")));
    expect(errors).toMatchObject([{ message: "no logger" }]);
    for (const odd of ["[", "[null,7]", '[{"role":7,"parts":{}}]', '{"role":"user"}', "null", '"text"']) {
      make({
        attributes: { "gen_ai.operation.name": "chat", "gen_ai.input.messages": odd, "gen_ai.output.messages": odd },
        later: { "gen_ai.prompt.x.role": 1, "gen_ai.prompt.0.": "y", "gen_ai.tool.definitions": odd },
      });
    }
    expect(errors).toHaveLength(1);
    expect(processor.stats()).toMatchObject({ spans: 7, withoutContent: 6 });
    await processor.forceFlush();
  });

  it("is a span processor to the SDK", () => {
    expectTypeOf<WhetstoneSpanProcessor>().toExtend<SpanProcessor>();
    expect(context.active()).toBe(ROOT_CONTEXT);
  });
});
