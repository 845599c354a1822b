import {
  Agent,
  OpenAIChatCompletionsModel,
  OpenAIResponsesModel,
  Runner,
  setTraceProcessors,
  setTracingDisabled,
  type TracingProcessor,
  tool,
  withTrace,
} from "@openai/agents";
import type { FakeOpenAiReply } from "@whetstone/core/testing";
import OpenAI from "openai7";
import { beforeAll, expect, expectTypeOf, it } from "vitest";
import { withSession } from "../interaction-context.js";
import { testLogger } from "../test-logger.js";
import { type Replies, testModel } from "../test-model.js";
import { type WhetstoneTraceProcessor, whetstoneTraceProcessor } from "./trace-processor.js";

const fake = testModel();
let client: OpenAI;
beforeAll(() => {
  client = new OpenAI({ apiKey: "none", baseURL: fake.baseURL, maxRetries: 0 });
  setTracingDisabled(false);
});

function modelAnswering(answer: Replies) {
  fake.answers(answer);
  return new OpenAIChatCompletionsModel(client as never, "m-1");
}

function recording(options: Parameters<typeof whetstoneTraceProcessor>[0] = {}) {
  const { logger, records } = testLogger();
  const errors: unknown[] = [];
  const processor = whetstoneTraceProcessor({ logger, onError: (error) => errors.push(error), ...options });
  setTraceProcessors([processor]);
  return { processor, records, errors };
}

const weather = tool({
  name: "weather",
  description: "The weather in a city",
  strict: false,
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: true,
  },
  execute: async (given) => `21 degrees in ${(given as { city: string }).city}`,
});

it("records a run with tools as one conversation", async () => {
  const { records, errors } = recording({ agentType: "weather" });
  const model = modelAnswering((index) => (index === 0 ? callWeather : "It is 21 degrees."));
  const agent = new Agent({ name: "Forecaster", instructions: "Be brief.", model, tools: [weather] });
  const runner = new Runner({ groupId: "chat-1", workflowName: "Forecast", traceMetadata: { tier: "free" } });
  expect((await runner.run(agent, "Paris?")).finalOutput).toBe("It is 21 degrees.");
  const [record, ...more] = await records();
  expect([more, errors]).toEqual([[], []]);
  expect(record).toMatchObject({
    query: "Paris?",
    answer: "It is 21 degrees.",
    agentType: "weather",
    model: "m-1",
    sessionId: "chat-1",
    usage: { inputTokens: 20, outputTokens: 10 },
    toolsUsed: ["weather"],
    metadata: { workflow: "Forecast", agents: ["Forecaster"], tier: "free", finishReason: "stop" },
    errorOccurred: false,
  });
  expect(record?.messages).toEqual([
    { role: "system", content: "Be brief." },
    { role: "user", content: "Paris?" },
    called,
    { role: "tool", content: "21 degrees in Paris", tool_call_id: "call-1" },
    { role: "assistant", content: "It is 21 degrees." },
  ]);
  expect(record?.flags).toBeUndefined();
});

it("records a streamed run at its end", async () => {
  const { records } = recording();
  const agent = new Agent({ name: "Forecaster", model: modelAnswering(() => "It is 21 degrees."), tools: [weather] });
  const stream = await withSession({ sessionId: "own" }, () => new Runner().run(agent, "Paris?", { stream: true }));
  for await (const _ of stream);
  await stream.completed;
  expect(await records()).toMatchObject([{ query: "Paris?", answer: "It is 21 degrees.", sessionId: "own" }]);
});

it("keeps the result of a tool that ends the run", async () => {
  const { records } = recording();
  const model = modelAnswering(() => callWeather);
  const agent = new Agent({ name: "Forecaster", model, tools: [weather], toolUseBehavior: "stop_on_first_tool" });
  await new Runner().run(agent, "Paris?");
  const [record] = await records();
  expect(record?.answer).toBe("21 degrees in Paris");
  expect(record?.messages?.slice(-2)).toEqual([
    called,
    { role: "tool", content: "21 degrees in Paris", tool_call_id: "call-1", name: "weather" },
  ]);
});

it("records who handed over to whom", async () => {
  const { records } = recording();
  const transfer: FakeOpenAiReply = {
    message: {
      tool_calls: [{ id: "call-9", type: "function", function: { name: "transfer_to_Forecaster", arguments: "{}" } }],
    },
    finishReason: "tool_calls",
  };
  const model = modelAnswering((index) => (index === 0 ? transfer : "21"));
  const forecaster = new Agent({ name: "Forecaster", model });
  await new Runner().run(new Agent({ name: "Triage", model, handoffs: [forecaster] }), "Paris?");
  const [record, ...more] = await records();
  expect(more).toEqual([]);
  expect(record).toMatchObject({ query: "Paris?", answer: "21", toolsUsed: ["transfer_to_Forecaster"] });
  expect(record?.metadata?.agents).toEqual(["Triage", "Forecaster"]);
});

it("records a run that failed, with what was said before", async () => {
  const { records } = recording();
  const looping = new Agent({ name: "Forecaster", model: modelAnswering(() => callWeather), tools: [weather] });
  await expect(new Runner().run(looping, "Paris?", { maxTurns: 1 })).rejects.toThrow("Max turns");
  const [record, ...more] = await records();
  expect(more).toEqual([]);
  expect(record).toMatchObject({ query: "Paris?", answer: "", errorOccurred: true });
  expect(record?.errorMessage).toMatch(/max turns/i);
  expect(record?.messages?.map(({ role }) => role)).toEqual(["user", "assistant", "tool"]);
});

it("records a model's failure", async () => {
  const { records } = recording();
  const agent = new Agent({ name: "Forecaster", model: modelAnswering(() => ({ status: 400 })) });
  await expect(new Runner().run(agent, "Paris?")).rejects.toThrow("400");
  expect(await records()).toMatchObject([{ query: "Paris?", answer: "", errorOccurred: true }]);
});

it("records a second run in the trace of a failed one", async () => {
  const { records } = recording();
  const agent = new Agent({ name: "A", model: modelAnswering((index) => (index === 0 ? { status: 400 } : "fine")) });
  await withTrace("Both", async () => {
    await expect(new Runner().run(agent, "first")).rejects.toThrow("400");
    await new Runner().run(agent, "second");
  });
  expect((await records()).map(({ query, answer, errorOccurred }) => [query, answer, errorOccurred])).toEqual([
    ["first", "", true],
    ["second", "fine", false],
  ]);
});

it("reads runs on the responses API, tools with their schemas", async () => {
  const { records, errors } = recording();
  fake.answers((index) => ({
    body: JSON.stringify({
      id: `r-${index}`,
      object: "response",
      status: "completed",
      model: "m-2",
      instructions: "Be brief.",
      tools: [{ type: "function", name: "weather", parameters: { type: "object" }, strict: false }],
      output: [
        index === 0
          ? { type: "function_call", id: "f", call_id: "call-1", name: "weather", arguments: '{"city":"Paris"}' }
          : {
              type: "message",
              id: "m",
              role: "assistant",
              content: [{ type: "output_text", text: "21", annotations: [] }],
            },
      ],
      usage: { input_tokens: 4, output_tokens: 2, total_tokens: 6 },
    }),
  }));
  const model = new OpenAIResponsesModel(client as never, "m-2");
  const agent = new Agent({ name: "Forecaster", instructions: "Be brief.", model, tools: [weather] });
  await new Runner().run(agent, "Paris?");
  const [record, ...more] = await records();
  expect([more, errors]).toEqual([[], []]);
  expect(record).toMatchObject({
    query: "Paris?",
    answer: "21",
    model: "m-2",
    usage: { inputTokens: 8, outputTokens: 4 },
  });
  expect(record?.tools).toMatchObject([{ function: { name: "weather" } }]);
  expect(record?.messages).toEqual([
    { role: "system", content: "Be brief." },
    { role: "user", content: "Paris?" },
    called,
    { role: "tool", content: "21 degrees in Paris", tool_call_id: "call-1" },
    { role: "assistant", content: "21" },
  ]);
});

it("records nothing where the run traces no content", async () => {
  const { records, errors } = recording();
  const agent = new Agent({ name: "Forecaster", model: modelAnswering(() => "secret") });
  await new Runner({ traceIncludeSensitiveData: false }).run(agent, "secret");
  expect([await records(), errors]).toEqual([[], []]);
});

it("flushes the logger on forceFlush and shutdown", async () => {
  const flushed: string[] = [];
  const logger = { log: () => "", flush: async () => flushed.push("flush") };
  const { processor } = recording({ logger: logger as never });
  await processor.forceFlush();
  await processor.shutdown();
  expect(flushed).toEqual(["flush", "flush"]);
});

it("fits the SDK's type, and takes traces that it does not know", async () => {
  expectTypeOf<WhetstoneTraceProcessor>().toExtend<TracingProcessor>();
  const { processor, records, errors } = recording();
  await processor.onTraceEnd({ traceId: "never begun" });
  await processor.onTraceStart({ traceId: "t" });
  for (const spanData of [null, 7, {}, { type: "generation", input: "x" }, { type: "response", _input: [null] }]) {
    await processor.onSpanEnd({ traceId: "t", spanData, error: "odd" });
  }
  await processor.onTraceEnd({ traceId: "t" });
  expect([await records(), errors]).toEqual([[], []]);
});

const callWeather: FakeOpenAiReply = {
  message: {
    tool_calls: [{ id: "call-1", type: "function", function: { name: "weather", arguments: '{"city":"Paris"}' } }],
  },
  finishReason: "tool_calls",
};

const called = {
  role: "assistant",
  content: "",
  tool_calls: [{ id: "call-1", type: "function", function: { name: "weather", arguments: { city: "Paris" } } }],
};
