import { type FakeOpenAiReply, type FakeOpenAiServer, fakeOpenAiServer } from "@whetstone/core/testing";
import * as ai7 from "ai";
import * as ai5 from "ai5";
import * as ai6 from "ai6";
import { createOpenAICompatible as provider5 } from "openai-compatible-1";
import { createOpenAICompatible as provider6 } from "openai-compatible-2";
import { createOpenAICompatible as provider7 } from "openai-compatible-3";
import { afterEach, describe, expect, expectTypeOf, it } from "vitest";
import { withSession } from "../interaction-context.js";
import { testLogger } from "../test-logger.js";
import { wrapAgent } from "../wrap-agent.js";
import { type WhetstoneMiddleware, whetstoneMiddleware } from "./middleware.js";

type Reply = (index: number) => FakeOpenAiReply;

let server: FakeOpenAiServer | undefined;
afterEach(async () => {
  await server?.close();
});

// The functions used here have the same form in all three; the types differ in what is not used.
const versions = [
  { name: "ai 5", ai: ai5 as unknown as typeof ai6, provider: provider5 as unknown as typeof provider6 },
  { name: "ai 6", ai: ai6, provider: provider6 },
  { name: "ai 7", ai: ai7 as unknown as typeof ai6, provider: provider7 as unknown as typeof provider6 },
];

describe.each(versions)("whetstoneMiddleware with $name", ({ ai, provider }) => {
  const weather = ai.tool({
    description: "The weather in a city",
    inputSchema: ai.jsonSchema<{ city: string }>({
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
    }),
    execute: async ({ city }) => ({ city, degrees: 21 }),
  });

  async function modelAnswering(reply: Reply, options: Parameters<typeof whetstoneMiddleware>[0] = {}) {
    const { logger, records } = testLogger();
    server = await fakeOpenAiServer((_request, index) => reply(index));
    const model = ai.wrapLanguageModel({
      model: provider({ name: "fake", baseURL: server.baseURL })("m-1"),
      middleware: whetstoneMiddleware({ logger, ...options }),
    });
    return { model, records };
  }

  it("records question, answer, model, tokens and session", async () => {
    const { model, records } = await modelAnswering(() => "120");
    const { text } = await withSession({ sessionId: "s-1" }, () => ai.generateText({ model, prompt: "5!" }));
    expect(text).toBe("120");
    const [record, ...more] = await records();
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      query: "5!",
      answer: "120",
      agentType: "general",
      model: "m-1",
      usage: { inputTokens: 10, outputTokens: 5 },
      sessionId: "s-1",
      errorOccurred: false,
    });
    expect(record?.messages).toBeUndefined();
    expect(record?.latencyMs).toBeGreaterThan(0);
  });

  it("records a run with tools once where that is asked for, as the whole conversation", async () => {
    const { model, records } = await modelAnswering((index) => (index === 0 ? callWeather : "21 degrees"), {
      agentType: "weather",
      recordToolSteps: false,
    });
    await ai.generateText({
      model,
      system: "Be brief.",
      prompt: "How warm is Paris?",
      tools: { weather },
      stopWhen: ai.stepCountIs(3),
    });
    const [record, ...more] = await records();
    expect(more).toEqual([]);
    expect(record).toMatchObject({ query: "How warm is Paris?", answer: "21 degrees", agentType: "weather" });
    expect(record?.messages).toEqual(weatherTurns("21 degrees"));
    expect(record?.tools).toMatchObject([
      { type: "function", function: { name: "weather", parameters: { required: ["city"] } } },
    ]);
    expect(record?.toolsUsed).toEqual(["weather"]);
    expect(record?.flags).toBeUndefined();
  });

  it("records each step, and why the model ended", async () => {
    const { model, records } = await modelAnswering((index) => (index === 0 ? callWeather : "21"));
    await ai.generateText({ model, prompt: "Paris?", tools: { weather }, stopWhen: ai.stepCountIs(3) });
    expect((await records()).map(({ answer, messages, metadata }) => [answer, messages?.length, metadata])).toEqual([
      ["", 2, { finishReason: "tool_calls" }],
      ["21", 4, { finishReason: "stop" }],
    ]);
  });

  it("records a stream at its end, with the tools that it called", async () => {
    const { model, records } = await modelAnswering((index) => (index === 0 ? callWeather : streamed), {
      recordToolSteps: false,
    });
    const { textStream } = ai.streamText({
      model,
      system: "Be brief.",
      prompt: "How warm is Paris?",
      tools: { weather },
      stopWhen: ai.stepCountIs(3),
    });
    const chunks: string[] = [];
    for await (const chunk of textStream) {
      expect(await records()).toEqual([]);
      chunks.push(chunk);
    }
    expect(chunks.join("")).toBe("It is 21 degrees.");
    const [record, ...more] = await records();
    expect(more).toEqual([]);
    expect(record?.messages).toEqual(weatherTurns("It is 21 degrees."));
    expect(record).toMatchObject({ model: "m-9", usage: { inputTokens: 7, outputTokens: 3 } });
    expect(record?.metadata).toEqual({ finishReason: "stop" });
  });

  it("records a failed call and hands on the error", async () => {
    const { model, records } = await modelAnswering(() => ({ status: 400 }));
    await expect(ai.generateText({ model, prompt: "hi", maxRetries: 0 })).rejects.toMatchObject({ statusCode: 400 });
    expect(await records()).toMatchObject([{ query: "hi", answer: "", errorOccurred: true, model: "m-1" }]);
    expect((await records())[0]?.errorMessage).toContain("400");
  });

  it("records a stream that its reader left", async () => {
    const { model, records } = await modelAnswering(() => "one two three four five six seven");
    const abort = new AbortController();
    const { textStream } = ai.streamText({ model, prompt: "count", abortSignal: abort.signal });
    for await (const _ of textStream) abort.abort();
    await expect.poll(async () => (await records()).length).toBe(1);
    const [record] = await records();
    expect("one two three four five six seven".startsWith(record?.answer ?? "-")).toBe(true);
    expect(record?.errorOccurred || record?.metadata?.cancelled).toBe(true);
  });

  it("leaves a mark where a question had a file", async () => {
    const { model, records } = await modelAnswering(() => "A cat.");
    const data = new Uint8Array([137, 80, 78, 71]);
    const content = [
      { type: "text" as const, text: "What is this? " },
      { type: "file" as const, data, mediaType: "image/png" },
    ];
    await ai.generateText({ model, messages: [{ role: "user", content }] });
    expect(await records()).toMatchObject([{ query: "What is this? [file]", answer: "A cat." }]);
  });

  it("is part of the record of a wrapped agent", async () => {
    const { logger, records } = testLogger();
    const { model } = await modelAnswering((index) => (index === 0 ? callWeather : "21 degrees"), { logger });
    const ask = wrapAgent(
      async (question: string) => {
        const tools = { weather };
        const system = "Be brief.";
        return (await ai.generateText({ model, system, prompt: question, tools, stopWhen: ai.stepCountIs(3) })).text;
      },
      { logger, agentType: "weather" },
    );
    await ask("How warm is Paris?");
    const [record, ...more] = await records();
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      agentType: "weather",
      answer: "21 degrees",
      model: "m-1",
      toolsUsed: ["weather"],
      usage: { inputTokens: 20, outputTokens: 10 },
    });
    expect(record?.messages).toEqual(weatherTurns("21 degrees"));
  });

  it("does not let a failing logger reach the caller", async () => {
    const errors: unknown[] = [];
    const broken = {
      log() {
        throw new Error("no logger");
      },
    };
    const { model } = await modelAnswering(() => "fine", {
      logger: broken as never,
      onError: (error) => errors.push(error),
    });
    expect((await ai.generateText({ model, prompt: "hi" })).text).toBe("fine");
    expect(errors).toMatchObject([{ message: "no logger" }]);
  });
});

it("fits the middleware type of every version", () => {
  expectTypeOf<WhetstoneMiddleware>().toExtend<ai5.LanguageModelMiddleware>();
  expectTypeOf<WhetstoneMiddleware>().toExtend<ai6.LanguageModelMiddleware>();
  expectTypeOf<WhetstoneMiddleware>().toExtend<ai7.LanguageModelMiddleware>();
});

it("passes on parts and prompts that nobody knows", async () => {
  const { logger, records } = testLogger();
  const { wrapGenerate, wrapStream } = whetstoneMiddleware({ logger });
  const odd = { content: [null, 7, { type: "hologram" }, { type: "text" }], usage: "much" };
  const call = { params: { prompt: [null, "x", { role: "user" }, { role: "assistant", content: 7 }] }, model: {} };
  expect(await wrapGenerate({ ...call, doGenerate: async () => odd })).toBe(odd);
  expect(await wrapStream({ ...call, doStream: async () => odd })).toBe(odd);
  expect(await records()).toEqual([]);
});

const callWeather: FakeOpenAiReply = {
  message: {
    tool_calls: [
      { index: 0, id: "call-1", type: "function", function: { name: "weather", arguments: '{"city":"Paris"}' } },
    ],
  },
  finishReason: "tool_calls",
};

const streamed: FakeOpenAiReply = {
  headers: { "content-type": "text/event-stream" },
  body: [
    ...["It is ", "21 degrees."].map((content) => ({ model: "m-9", choices: [{ index: 0, delta: { content } }] })),
    { model: "m-9", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    { model: "m-9", choices: [], usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } },
  ]
    .map((chunk) => `data: ${JSON.stringify({ id: "c", ...chunk })}\n\n`)
    .concat("data: [DONE]\n\n")
    .join(""),
};

function weatherTurns(answer: string) {
  return [
    { role: "system", content: "Be brief." },
    { role: "user", content: "How warm is Paris?" },
    {
      role: "assistant",
      content: "",
      tool_calls: [{ id: "call-1", type: "function", function: { name: "weather", arguments: { city: "Paris" } } }],
    },
    { role: "tool", content: '{"city":"Paris","degrees":21}', tool_call_id: "call-1", name: "weather" },
    { role: "assistant", content: answer },
  ];
}
