import type { FakeOpenAiReply } from "@whetstone/core/testing";
import {
  generateObject,
  generateText,
  isStepCount,
  jsonSchema,
  registerTelemetry,
  streamObject,
  streamText,
  type Telemetry,
  tool,
} from "ai";
import { createOpenAICompatible } from "openai-compatible-3";
import { expect, expectTypeOf, it } from "vitest";
import { withSession } from "../interaction-context.js";
import { testLogger } from "../test-logger.js";
import { type Replies, testModel } from "../test-model.js";
import { type WhetstoneTelemetry, whetstoneTelemetry } from "./telemetry.js";

const fake = testModel();

function modelAnswering(answer: Replies) {
  fake.answers(answer);
  return createOpenAICompatible({ name: "fake", baseURL: fake.baseURL, supportsStructuredOutputs: true })("m-1");
}

function recording() {
  const { logger, records } = testLogger();
  const errors: unknown[] = [];
  const integrations = whetstoneTelemetry({ logger, onError: (error) => errors.push(error) });
  return { integrations, records, errors };
}

const weather = tool({
  description: "The weather in a city",
  inputSchema: jsonSchema<{ city: string }>({
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
  }),
  execute: async ({ city }) => {
    if (city === "Atlantis") throw new Error("no such city");
    return { city, degrees: 21 };
  },
});

it("records a run of several steps as one trajectory", async () => {
  const { integrations, records, errors } = recording();
  const model = modelAnswering((index) => [callWeather("a", "Paris"), callWeather("b", "Atlantis"), "21"][index] ?? "");
  const call = () =>
    generateText({
      model,
      instructions: "Be brief.",
      prompt: "How warm is Paris?",
      tools: { weather },
      stopWhen: isStepCount(4),
      telemetry: { integrations, functionId: "weather-agent" },
    });
  expect((await withSession({ sessionId: "s-1", userId: "ada" }, call)).text).toBe("21");
  const [record, ...more] = await records();
  expect([more, errors]).toEqual([[], []]);
  expect(record).toMatchObject({
    query: "How warm is Paris?",
    answer: "21",
    model: "m-1",
    sessionId: "s-1",
    usage: { inputTokens: 30, outputTokens: 15 },
    toolsUsed: ["weather"],
    metadata: { functionId: "weather-agent", finishReason: "stop" },
    errorOccurred: false,
  });
  expect(record?.userId).toMatch(/^u:/);
  expect(record?.flags).toBeUndefined();
  expect(record?.messages).toEqual([
    { role: "system", content: "Be brief." },
    { role: "user", content: "How warm is Paris?" },
    called("a", "Paris"),
    { role: "tool", content: '{"city":"Paris","degrees":21}', tool_call_id: "a", name: "weather" },
    called("b", "Atlantis"),
    { role: "tool", content: "Error: no such city", tool_call_id: "b", name: "weather" },
    { role: "assistant", content: "21" },
  ]);
  expect(record?.tools).toMatchObject([
    { type: "function", function: { name: "weather", description: "The weather in a city" } },
  ]);
});

it("records streams, and through the global registry", async () => {
  const { integrations, records, errors } = recording();
  registerTelemetry(integrations);
  try {
    const model = modelAnswering((index) => (index === 0 ? callWeather("a", "Paris") : "It is 21 degrees."));
    const { text } = streamText({ model, prompt: "Paris?", tools: { weather }, stopWhen: isStepCount(3) });
    expect(await text).toBe("It is 21 degrees.");
  } finally {
    (globalThis as { AI_SDK_TELEMETRY_INTEGRATIONS?: unknown[] }).AI_SDK_TELEMETRY_INTEGRATIONS = [];
  }
  const [record, ...more] = await records();
  expect([more, errors]).toEqual([[], []]);
  expect(record).toMatchObject({ query: "Paris?", answer: "It is 21 degrees.", toolsUsed: ["weather"] });
  expect(record?.messages?.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant"]);
});

it("records an object as its JSON text, generated or streamed", async () => {
  const { integrations, records } = recording();
  const model = modelAnswering(() => '{"degrees":21}');
  const schema = jsonSchema<{ degrees: number }>({ type: "object", properties: { degrees: { type: "number" } } });
  const asked = { model, schema, telemetry: { integrations } };
  await generateObject({ ...asked, prompt: "generated" });
  const { partialObjectStream } = streamObject({ ...asked, prompt: "streamed" });
  for await (const _ of partialObjectStream);
  expect((await records()).map(({ query, answer }) => [query, answer])).toEqual([
    ["generated", '{"degrees":21}'],
    ["streamed", '{"degrees":21}'],
  ]);
});

it("records what was done before an error, and the error", async () => {
  const { integrations, records } = recording();
  const model = modelAnswering((index) => (index === 0 ? callWeather("a", "Paris") : { status: 400 }));
  const call = generateText({
    model,
    prompt: "Paris?",
    tools: { weather },
    stopWhen: isStepCount(3),
    maxRetries: 0,
    telemetry: { integrations },
  });
  await expect(call).rejects.toMatchObject({ statusCode: 400 });
  const [record, ...more] = await records();
  expect(more).toEqual([]);
  expect(record).toMatchObject({ query: "Paris?", answer: "", errorOccurred: true });
  expect(record?.errorMessage).toContain("400");
  expect(record?.messages?.map(({ role }) => role)).toEqual(["user", "assistant", "tool"]);
});

it("records an aborted stream as cancelled", async () => {
  const { integrations, records } = recording();
  const model = modelAnswering(() => "one two three four five six seven");
  const abort = new AbortController();
  const stream = streamText({ model, prompt: "count", abortSignal: abort.signal, telemetry: { integrations } });
  for await (const part of stream.fullStream) if (part.type === "text-delta") abort.abort();
  await expect.poll(async () => (await records()).length).toBe(1);
  expect(await records()).toMatchObject([{ query: "count", metadata: { cancelled: true }, errorOccurred: false }]);
});

it.each([{ recordInputs: false }, { recordOutputs: false }, { isEnabled: false }])(
  "records nothing with %o",
  async (off) => {
    const { integrations, records, errors } = recording();
    const model = modelAnswering(() => "secret");
    await generateText({ model, prompt: "secret", telemetry: { integrations, ...off } });
    expect([await records(), errors]).toEqual([[], []]);
  },
);

it("fits the SDK's telemetry type, and takes events that it does not know", async () => {
  expectTypeOf<WhetstoneTelemetry>().toExtend<Telemetry>();
  const { integrations, records, errors } = recording();
  for (const hook of Object.values(integrations)) {
    for (const event of [null, 7, {}, { callId: "x" }, { callId: "x", operationId: "ai.generateText" }]) hook(event);
  }
  expect([await records(), errors]).toEqual([[], []]);
});

it("gives up the oldest of a thousand calls that never end, and says so", async () => {
  const { integrations, errors } = recording();
  for (let i = 0; i < 1_002; i++) integrations.onStart({ callId: `${i}`, operationId: "ai.streamText", prompt: "?" });
  expect(errors.map((error) => (error as Error).message.split(":")[0])).toEqual([
    "run 0 is not recorded",
    "run 1 is not recorded",
  ]);
});

function callWeather(id: string, city: string): FakeOpenAiReply {
  const call = { index: 0, id, type: "function", function: { name: "weather", arguments: JSON.stringify({ city }) } };
  return { message: { tool_calls: [call] }, finishReason: "tool_calls" };
}

function called(id: string, city: string) {
  const call = { id, type: "function", function: { name: "weather", arguments: { city } } };
  return { role: "assistant", content: "", tool_calls: [call] };
}
