import { OpenTelemetry } from "@ai-sdk/otel";
import { OpenAIInstrumentation as OpenInference } from "@arizeai/openinference-instrumentation-openai";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { OpenAIInstrumentation as Traceloop } from "@traceloop/instrumentation-openai";
import { type FakeOpenAiReply, type FakeOpenAiServer, fakeOpenAiServer } from "@whetstone/core/testing";
import * as ai from "ai";
import OpenAI from "openai";
import { createOpenAICompatible } from "openai-compatible-3";
import { afterEach, beforeEach, expect, it } from "vitest";
import { testLogger } from "../test-logger.js";
import { whetstoneSpanProcessor } from "./span-processor.js";
import { weatherTurns } from "./weather.fixture.js";

// Real instrumentations of real clients. Only the model is a fake: it calls the tool first, then it answers.
let server: FakeOpenAiServer;
beforeEach(async () => {
  server = await fakeOpenAiServer((_, index) => (index % 2 === 0 ? callWeather : "21 degrees"));
});
afterEach(() => server.close());

function traced() {
  const { logger, records } = testLogger();
  const processor = whetstoneSpanProcessor({ logger });
  return { processor, provider: new BasicTracerProvider({ spanProcessors: [processor] }), records };
}

it("records a run of the AI SDK once, from the spans of @ai-sdk/otel", async () => {
  const { processor, provider, records } = traced();
  const weather = ai.tool({
    description: "The weather in a city",
    inputSchema: ai.jsonSchema<{ city: string }>({ type: "object" }),
    execute: async () => ({ degrees: 21 }),
  });
  const { text } = await ai.generateText({
    model: createOpenAICompatible({ name: "fake", baseURL: server.baseURL })("m-1"),
    system: "Be brief.",
    prompt: "How warm is Paris?",
    tools: { weather },
    stopWhen: ai.stepCountIs(3),
    experimental_telemetry: { integrations: [new OpenTelemetry({ tracer: provider.getTracer("test") })] },
  });
  expect(text).toBe("21 degrees");
  const [record, ...more] = await records();
  expect(more).toEqual([]);
  expect(record).toMatchObject({ ...answered, usage: { inputTokens: 20, outputTokens: 10 } });
  expect(record?.metadata).toMatchObject({ modelCalls: 2, finishReason: "stop" });
  expect(record?.messages).toEqual(weatherTurns);
  expect(processor.stats()).toEqual({ spans: 4, recorded: 1, withoutContent: 0, inputTokens: 20, outputTokens: 10 });
});

it("records the calls of the OpenAI client from OpenInference's spans", async () => {
  const { processor, provider, records } = traced();
  const instrumentation = new OpenInference({ tracerProvider: provider });
  instrumentation.manuallyInstrument(OpenAI);
  await askAboutTheWeather();
  instrumentation.disable();
  expectTwoSteps(await records());
  expect(processor.stats()).toEqual({ spans: 2, recorded: 2, withoutContent: 0, inputTokens: 20, outputTokens: 10 });
});

it("records the calls of the OpenAI client from Traceloop's spans", async () => {
  const { processor, provider, records } = traced();
  const instrumentation = new Traceloop();
  instrumentation.setTracerProvider(provider);
  instrumentation.manuallyInstrument(OpenAI as never);
  await askAboutTheWeather();
  instrumentation.disable();
  expectTwoSteps(await records());
  expect(processor.stats()).toEqual({ spans: 2, recorded: 2, withoutContent: 0, inputTokens: 20, outputTokens: 10 });
});

it("counts what Traceloop tells of a call when its content is switched off", async () => {
  const { processor, provider, records } = traced();
  const instrumentation = new Traceloop({ traceContent: false });
  instrumentation.setTracerProvider(provider);
  instrumentation.manuallyInstrument(OpenAI as never);
  await askAboutTheWeather();
  instrumentation.disable();
  expect(await records()).toEqual([]);
  expect(processor.stats()).toEqual({ spans: 2, recorded: 0, withoutContent: 2, inputTokens: 20, outputTokens: 10 });
});

async function askAboutTheWeather(): Promise<void> {
  const client = new OpenAI({ apiKey: "none", baseURL: server.baseURL, maxRetries: 0 });
  const messages: OpenAI.ChatCompletionMessageParam[] = [
    { role: "system", content: "Be brief." },
    { role: "user", content: "How warm is Paris?" },
  ];
  const tools = [
    {
      type: "function" as const,
      function: { name: "weather", description: "The weather in a city", parameters: { type: "object" } },
    },
  ];
  const { choices } = await client.chat.completions.create({ model: "m-1", messages, tools });
  if (choices[0]) messages.push(choices[0].message);
  messages.push({ role: "tool", tool_call_id: "c1", content: '{"degrees":21}' });
  await client.chat.completions.create({ model: "m-1", messages, tools });
}

function expectTwoSteps([step, last, ...more]: Awaited<ReturnType<ReturnType<typeof traced>["records"]>>): void {
  expect(more).toEqual([]);
  expect(step).toMatchObject({ answer: "", toolsUsed: ["weather"], metadata: { finishReason: "tool_calls" } });
  expect(step?.messages).toEqual(weatherTurns.slice(0, 3));
  expect(last).toMatchObject({ ...answered, usage: { inputTokens: 10, outputTokens: 5 } });
  expect(last?.metadata).toMatchObject({ finishReason: "stop" });
  expect(last?.messages).toEqual(weatherTurns);
}

const callWeather: FakeOpenAiReply = {
  message: {
    tool_calls: [{ id: "c1", type: "function", function: { name: "weather", arguments: '{"city":"Paris"}' } }],
  },
  finishReason: "tool_calls",
};

const answered = {
  query: "How warm is Paris?",
  answer: "21 degrees",
  model: "m-1",
  toolsUsed: ["weather"],
  tools: [
    {
      type: "function",
      function: { name: "weather", description: "The weather in a city", parameters: { type: "object" } },
    },
  ],
};
