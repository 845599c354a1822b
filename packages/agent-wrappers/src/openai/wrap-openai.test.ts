import { ConfigError } from "@whetstone/core";
import {
  type FakeOpenAiReply,
  type FakeOpenAiRequest,
  type FakeOpenAiServer,
  fakeOpenAiServer,
} from "@whetstone/core/testing";
import OpenAI6 from "openai";
import OpenAI5 from "openai5";
import OpenAI7 from "openai7";
import { afterEach, describe, expect, expectTypeOf, it } from "vitest";
import { currentInteraction, withSession } from "../interaction-context.js";
import { testLogger } from "../test-logger.js";
import { wrapAgent } from "../wrap-agent.js";
import { type WrapOpenAIOptions, wrapOpenAI } from "./wrap-openai.js";

// The three majors are called alike here; their types differ in what is not used.
const versions = [
  { name: "openai 5", OpenAI: OpenAI5 as unknown as typeof OpenAI6 },
  { name: "openai 6", OpenAI: OpenAI6 },
  { name: "openai 7", OpenAI: OpenAI7 as unknown as typeof OpenAI6 },
];

let server: FakeOpenAiServer | undefined;
afterEach(async () => {
  await server?.close();
});

describe.each(versions)("wrapOpenAI with $name", ({ OpenAI }) => {
  async function clientAnswering(
    reply: (request: FakeOpenAiRequest, index: number) => FakeOpenAiReply,
    options: WrapOpenAIOptions = {},
  ) {
    const { logger, records } = testLogger();
    server = await fakeOpenAiServer(reply);
    const bare = new OpenAI({ apiKey: "none", baseURL: server.baseURL, maxRetries: 0 });
    return { bare, client: wrapOpenAI(bare, { logger, ...options }), logger, records, server };
  }

  const ask = (client: OpenAI6, content = "5!") =>
    client.chat.completions.create({ model: "m-1", messages: [{ role: "user", content }] });
  const askStream = (client: OpenAI6, content = "5!") =>
    client.chat.completions.create({ model: "m-1", messages: [{ role: "user", content }], stream: true });

  it("records an answer with its model, tokens and session, and gives it as the bare client does", async () => {
    const { bare, client, records } = await clientAnswering(() => "120", { agentType: "math", variant: "v2" });
    const answer = await withSession({ sessionId: "s-1" }, () => ask(client));
    expect(answer).toEqual(await ask(bare));
    const [record, ...more] = await records();
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      query: "5!",
      answer: "120",
      agentType: "math",
      variant: "v2",
      model: "m-1",
      usage: { inputTokens: 10, outputTokens: 5 },
      sessionId: "s-1",
      errorOccurred: false,
      metadata: { finishReason: "stop" },
    });
    expect(record?.messages).toBeUndefined();
    expect(record?.latencyMs).toBeGreaterThan(0);
  });

  it("keeps the client's class, fields, getters and private parts", async () => {
    const { bare, client } = await clientAnswering(() => ({ body: '{"data":[],"object":"list"}' }));
    expect(client).toBeInstanceOf(OpenAI);
    expect(client.constructor).toBe(OpenAI);
    expect([client.apiKey, client.baseURL, client.maxRetries]).toEqual(["none", bare.baseURL, 0]);
    expect(client.chat.completions).toBe(client.chat.completions);
    expect(client.chat.completions).toBeInstanceOf(OpenAI.Chat.Completions);
    expect(client.models).toBe(bare.models);
    expect((await client.models.list()).data).toEqual([]);
    expect(await client.get("/anything")).toMatchObject({ object: "list" });
    client.apiKey = "other";
    expect(bare.apiKey).toBe("other");
  });

  it("keeps withResponse and asResponse, and leaves the body to who reads it", async () => {
    const { client, records } = await clientAnswering(() => "120");
    const promise = ask(client);
    expect(promise.constructor.name).toBe("APIPromise");
    const { data, response } = await promise.withResponse();
    expect([data.choices[0]?.message.content, response.status]).toEqual(["120", 200]);
    expect(await records()).toHaveLength(1);
    const raw = await ask(client).asResponse();
    expect(((await raw.json()) as { model: string }).model).toBe("m-1");
    expect(await records()).toHaveLength(1);
  });

  it("hands on the client's error and records it", async () => {
    const { client, records } = await clientAnswering(() => ({ status: 400 }));
    await expect(ask(client)).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(client.chat.completions.stream(question).finalChatCompletion()).rejects.toThrow("400");
    await expect(client.chat.completions.parse(question)).rejects.toThrow("400");
    const found = await records();
    expect(found).toHaveLength(3);
    for (const record of found) {
      expect(record).toMatchObject({ query: "5!", answer: "", errorOccurred: true, model: "m-1" });
      expect(record.errorMessage).toContain("400");
    }
  });

  it("records a stream at its end, with its controller and tee intact", async () => {
    const { client, records } = await clientAnswering(() => "one hundred and twenty");
    const stream = await askStream(client);
    expect(stream.controller).toBeInstanceOf(AbortController);
    const [left, right] = stream.tee();
    for (const half of [left, right]) {
      let text = "";
      for await (const chunk of half) text += chunk.choices[0]?.delta.content ?? "";
      expect(text).toBe("one hundred and twenty");
    }
    expect(await records()).toMatchObject([{ answer: "one hundred and twenty", metadata: { finishReason: "stop" } }]);
    expect(await new Response((await askStream(client)).toReadableStream()).text()).toContain("twenty");
    expect(await records()).toMatchObject([{}, { answer: "one hundred and twenty" }]);
  });

  it("records the tokens of a stream where they were asked for, and never asks by itself", async () => {
    const { client, records, server } = await clientAnswering(() => "120");
    for await (const _ of await askStream(client));
    for await (const _ of await client.chat.completions.create({
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    }));
    expect((await records()).map(({ usage }) => usage)).toEqual([undefined, { inputTokens: 10, outputTokens: 5 }]);
    expect(server.requests[0]?.body).toEqual({ ...question, stream: true });
  });

  it("marks a stream that its reader left, and keeps what came", async () => {
    const { client, records } = await clientAnswering(() => "12345678 and more of it");
    for await (const chunk of await askStream(client)) if (chunk.choices[0]?.delta.content) break;
    expect(await records()).toMatchObject([{ answer: "12345678", metadata: { cancelled: true } }]);
  });

  it("records what parse and the stream helper ask for once", async () => {
    const { client, records } = await clientAnswering(() => '{"n":120}');
    const format = {
      type: "json_schema",
      json_schema: { name: "n", schema: { type: "object", properties: { n: { type: "number" } } } },
    } as const;
    const parsed = await client.chat.completions.parse({ ...question, response_format: format });
    expect(parsed.choices[0]?.message.content).toBe('{"n":120}');
    const helper = client.chat.completions.stream(question);
    const deltas: string[] = [];
    helper.on("content", (delta) => deltas.push(delta));
    expect((await helper.finalChatCompletion()).choices[0]?.message.content).toBe('{"n":120}');
    expect(deltas.join("")).toBe('{"n":120}');
    expect((await records()).map(({ query, answer }) => [query, answer])).toEqual([
      ["5!", '{"n":120}'],
      ["5!", '{"n":120}'],
    ]);
  });

  it("records the steps of a tool loop, the last with the whole trajectory", async () => {
    const { client, records } = await clientAnswering((_, index) => (index === 0 ? callWeather : "21 degrees"));
    const messages: OpenAI6.ChatCompletionMessageParam[] = [
      { role: "developer", content: "Be brief." },
      { role: "user", content: [{ type: "text", text: "How warm is Paris?" }] },
    ];
    const first = await client.chat.completions.create({ model: "m-1", messages, tools: [weatherTool] });
    const [choice] = first.choices;
    if (choice) messages.push(choice.message);
    messages.push({ role: "tool", tool_call_id: "call-1", content: '{"degrees":21}' });
    await client.chat.completions.create({ model: "m-1", messages, tools: [weatherTool] });

    const [step, last, ...more] = await records();
    expect(more).toEqual([]);
    expect(step).toMatchObject({ answer: "", toolsUsed: ["weather"], metadata: { finishReason: "tool_calls" } });
    expect(step?.messages).toEqual(weatherTurns.slice(0, 3));
    expect(last).toMatchObject({ query: "How warm is Paris?", answer: "21 degrees", toolsUsed: ["weather"] });
    expect(last?.messages).toEqual([...weatherTurns, { role: "assistant", content: "21 degrees" }]);
    expect(last?.tools).toEqual([weatherTool]);
    expect(last?.flags).toBeUndefined();
  });

  it("puts streamed tool calls together", async () => {
    const { client, records } = await clientAnswering(() => callWeather);
    const request = { ...question, tools: [weatherTool] };
    for await (const _ of await client.chat.completions.create({ ...request, stream: true }));
    expect((await records())[0]?.messages?.at(-1)).toEqual(weatherTurns[2]);
  });

  it("leaves out the steps of a tool loop where it is asked to", async () => {
    const reply = (_: unknown, index: number) => (index === 0 ? callWeather : "21 degrees");
    const { client, records } = await clientAnswering(reply, { recordToolSteps: false });
    const runner = client.chat.completions.runTools({
      model: "m-1",
      messages: [{ role: "user", content: "How warm is Paris?" }],
      tools: [
        {
          type: "function",
          function: {
            name: "weather",
            description: "The weather in a city",
            parameters: { type: "object" },
            parse: JSON.parse as (input: string) => { city: string },
            function: ({ city }: { city: string }) => ({ city, degrees: 21 }),
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBe("21 degrees");
    const [record, ...more] = await records();
    expect(more).toEqual([]);
    expect(record?.messages?.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant"]);
    expect(record?.tools).toMatchObject([{ function: { name: "weather", description: "The weather in a city" } }]);
  });

  it("records each of several choices as an answer of its own", async () => {
    const choice = (index: number, content: string) => ({
      index,
      message: { role: "assistant", content },
      finish_reason: "stop",
    });
    const usage = { prompt_tokens: 1, completion_tokens: 2 };
    const body = JSON.stringify({ model: "m-1", choices: [choice(0, "120"), choice(1, "24")], usage });
    const { client, records } = await clientAnswering(() => ({ body }));
    await client.chat.completions.create({ ...question, n: 2 });
    expect((await records()).map(({ answer, usage }) => [answer, usage?.outputTokens])).toEqual([
      ["120", 2],
      ["24", undefined],
    ]);
  });

  it("records refusals and cut answers as what they are", async () => {
    const replies = [{ message: { refusal: "I cannot." } }, { content: "12", finishReason: "length" }];
    const { client, records } = await clientAnswering((_, index) => replies[index] ?? "");
    await ask(client);
    await ask(client);
    expect(await records()).toMatchObject([
      { answer: "I cannot." },
      { answer: "12", metadata: { finishReason: "length" } },
    ]);
  });

  it("records custom tools and content that is no text", async () => {
    const custom = { id: "c1", type: "custom", custom: { name: "shell", input: "ls" } };
    const body = JSON.stringify({
      model: "m-1",
      choices: [{ index: 0, message: { role: "assistant", content: null, tool_calls: [custom] } }],
    });
    const { client, records } = await clientAnswering(() => ({ body }));
    await client.chat.completions.create({
      model: "m-1",
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What is this? " },
            { type: "image_url", image_url: { url: "https://example.com/x.png" } },
          ],
        },
      ],
    });
    const [record] = await records();
    expect(record?.query).toBe("What is this? [image_url]");
    expect(record?.messages?.at(-1)?.tool_calls).toEqual([
      { id: "c1", type: "function", function: { name: "shell", arguments: { input: "ls" } } },
    ]);
  });

  it("wraps what withOptions gives, and records a client that is wrapped twice once", async () => {
    const { client, logger, records } = await clientAnswering(() => "120");
    const derived = client.withOptions({ maxRetries: 1 });
    expect([derived.maxRetries, derived instanceof OpenAI]).toEqual([1, true]);
    await ask(derived);
    expect(await records()).toHaveLength(1);
    await ask(wrapOpenAI(client, { logger, agentType: "twice" }));
    expect((await records()).map(({ agentType }) => agentType)).toEqual(["general", "twice"]);
  });

  it("leaves the client that it was given as it was", async () => {
    const { bare, records } = await clientAnswering(() => "120");
    await ask(bare);
    await bare.chat.completions.parse(question);
    expect(await records()).toEqual([]);
  });

  it("gives what a wrapped agent asked to the agent's one record", async () => {
    const { client, logger, records } = await clientAnswering(({ body }) => {
      const messages = body.messages as readonly { role: string; content: string }[];
      if (messages[0]?.content === "Name this chat.") return "Paris weather";
      return messages.at(-1)?.role === "tool" ? "21 degrees" : callWeather;
    });
    const agent = wrapAgent(
      async (city: string) => {
        const messages: OpenAI6.ChatCompletionMessageParam[] = [
          { role: "system", content: "Be brief." },
          { role: "user", content: `How warm is ${city}?` },
        ];
        const tools = [weatherTool];
        const { choices } = await client.chat.completions.create({ model: "m-1", messages, tools });
        if (choices[0]) messages.push(choices[0].message);
        messages.push({ role: "tool", tool_call_id: "call-1", content: '{"degrees":21}' });
        const { choices: last } = await client.chat.completions.create({ model: "m-1", messages, tools });
        await client.chat.completions.create({
          model: "m-2",
          messages: [
            { role: "system", content: "Name this chat." },
            { role: "user", content: city },
          ],
        });
        currentInteraction().set({ metadata: { city } });
        return last[0]?.message.content ?? "";
      },
      { logger, agentType: "weather" },
    );
    expect(await agent("Paris")).toBe("21 degrees");
    const [record, ...more] = await records();
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      query: "Paris",
      answer: "21 degrees",
      agentType: "weather",
      model: "m-1",
      usage: { inputTokens: 30, outputTokens: 15 },
      toolsUsed: ["weather"],
      metadata: { modelCalls: 3, finishReason: "stop", city: "Paris" },
    });
    expect(record?.messages).toEqual([...weatherTurns, { role: "assistant", content: "21 degrees" }]);
    expect(record?.tools).toEqual([weatherTool]);
  });

  it("gives a stream that a wrapped agent hands on to the agent's record", async () => {
    const { client, logger, records } = await clientAnswering(() => "one hundred and twenty");
    const agent = wrapAgent((question: string) => askStream(client, question), { logger, agentType: "general" });
    for await (const _ of await agent("5!"));
    expect(await records()).toMatchObject([
      { query: "5!", answer: "one hundred and twenty", model: "m-1", metadata: { modelCalls: 1 } },
    ]);
  });

  it("says nothing of a request that a wrapped agent made good", async () => {
    const { client, logger, records } = await clientAnswering((_, index) => (index === 0 ? { status: 500 } : "120"));
    const agent = wrapAgent(
      async (question: string) => {
        const { choices } = await ask(client, question).catch(() => ask(client, question));
        return choices[0]?.message.content;
      },
      { logger, agentType: "math" },
    );
    await agent("5!");
    expect(await records()).toMatchObject([{ answer: "120", errorOccurred: false, metadata: { modelCalls: 1 } }]);
  });

  it("records what is asked after the agent's call was recorded by itself", async () => {
    const { client, logger, records } = await clientAnswering(() => "120");
    let later: Promise<unknown> = Promise.resolve();
    const agent = wrapAgent(
      (question: string) => {
        later = ask(client, question);
        return "soon";
      },
      { logger, agentType: "math" },
    );
    agent("5!");
    await later;
    expect((await records()).map(({ answer }) => answer)).toEqual(["soon", "120"]);
  });

  it("records responses, with instructions, items and tools as chat messages", async () => {
    const { client, records } = await clientAnswering((_, index) => (index === 0 ? callWeather : "21 degrees"));
    const tools = [
      { type: "function", name: "weather", description: "W", parameters: { type: "object" }, strict: false },
    ] as const;
    const request = { model: "m-1", instructions: "Be brief.", tools: [...tools] };
    const first = await client.responses.create({ ...request, input: "How warm is Paris?" });
    const second = await client.responses.create({
      ...request,
      previous_response_id: first.id,
      input: [{ type: "function_call_output", call_id: "call-1", output: '{"degrees":21}' }],
    });
    expect(second.output_text).toBe("21 degrees");
    const [step, last, ...more] = await records();
    expect(more).toEqual([]);
    expect(step).toMatchObject({ query: "How warm is Paris?", answer: "", metadata: { finishReason: "tool_calls" } });
    expect(last).toMatchObject({
      query: "How warm is Paris?",
      answer: "21 degrees",
      model: "m-1",
      usage: { inputTokens: 10, outputTokens: 5 },
      toolsUsed: ["weather"],
      metadata: { finishReason: "stop" },
    });
    expect(last?.messages).toEqual([...weatherTurns, { role: "assistant", content: "21 degrees" }]);
    expect(last?.tools).toMatchObject([{ type: "function", function: { name: "weather", description: "W" } }]);
    expect(last?.flags).toBeUndefined();
  });

  it("records streamed responses, their helper and parse once each", async () => {
    const { client, records } = await clientAnswering(() => "one hundred and twenty");
    const request = { model: "m-1", input: "5!" };
    for await (const _ of await client.responses.create({ ...request, stream: true }));
    expect(JSON.stringify((await client.responses.stream(request).finalResponse()).output)).toContain("and twenty");
    expect((await client.responses.parse(request)).output_text).toBe("one hundred and twenty");
    const found = await records();
    expect(found).toHaveLength(3);
    for (const record of found) {
      expect(record).toMatchObject({
        query: "5!",
        answer: "one hundred and twenty",
        usage: { inputTokens: 10, outputTokens: 5 },
      });
    }
  });

  it("marks a streamed response that its reader left, and one that was cut", async () => {
    const { client, records } = await clientAnswering(() => ({ content: "12345678 and more", finishReason: "length" }));
    const request = { model: "m-1", input: "5!" };
    for await (const event of await client.responses.create({ ...request, stream: true })) {
      if (event.type === "response.output_text.delta") break;
    }
    await client.responses.create(request);
    expect(await records()).toMatchObject([
      { answer: "12345678", model: "m-1", metadata: { cancelled: true } },
      { answer: "12345678 and more", metadata: { finishReason: "max_output_tokens" } },
    ]);
  });

  it("says where a conversation began out of its sight, and leaves out what is still to come", async () => {
    const { client, records } = await clientAnswering(({ body }) =>
      body.background ? { body: JSON.stringify({ id: "r", object: "response", status: "queued", output: [] }) } : "ok",
    );
    await client.responses.create({ model: "m-1", input: "later", background: true });
    await client.responses.create({ model: "m-1", input: "go on", previous_response_id: "resp_of_another_day" });
    expect(await records()).toMatchObject([
      { query: "go on", metadata: { previousResponseId: "resp_of_another_day" } },
    ]);
  });

  it("records a response that failed, with what the provider said", async () => {
    const failed = {
      id: "r",
      object: "response",
      status: "failed",
      output: [],
      error: { code: "server_error", message: "overloaded" },
    };
    const { client, records } = await clientAnswering(() => ({ body: JSON.stringify(failed) }));
    await client.responses.create({ model: "m-1", input: "5!" });
    expect(await records()).toMatchObject([{ query: "5!", errorOccurred: true, errorMessage: "overloaded" }]);
  });

  it("does not let a failing logger or an odd answer reach the caller", async () => {
    const errors: unknown[] = [];
    const broken = {
      log() {
        throw new Error("no logger");
      },
    };
    const { client } = await clientAnswering(
      (_, index) => (index === 0 ? "fine" : { body: '{"choices":[null,7],"usage":"x"}' }),
      { logger: broken as never, onError: (error) => errors.push(error) },
    );
    expect((await ask(client)).choices[0]?.message.content).toBe("fine");
    expect(errors).toMatchObject([{ message: "no logger" }]);
    expect((await ask(client)).choices).toEqual([null, 7]);
  });
});

it("keeps the client's type", () => {
  expectTypeOf(wrapOpenAI<OpenAI5>).returns.toEqualTypeOf<OpenAI5>();
  expectTypeOf(wrapOpenAI<OpenAI6>).returns.toEqualTypeOf<OpenAI6>();
  expectTypeOf(wrapOpenAI<OpenAI7>).returns.toEqualTypeOf<OpenAI7>();
});

it("refuses what is no client", () => {
  expect(() => wrapOpenAI({})).toThrow(ConfigError);
  expect(() => wrapOpenAI(undefined as never)).toThrow(/give new OpenAI/);
});

const question = { model: "m-1", messages: [{ role: "user" as const, content: "5!" }] };

const callWeather: FakeOpenAiReply = {
  message: {
    tool_calls: [{ id: "call-1", type: "function", function: { name: "weather", arguments: '{"city":"Paris"}' } }],
  },
  finishReason: "tool_calls",
};

const weatherTool = {
  type: "function" as const,
  function: { name: "weather", description: "The weather in a city", parameters: { type: "object" } },
};

const weatherTurns = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "How warm is Paris?" },
  {
    role: "assistant",
    content: "",
    tool_calls: [{ id: "call-1", type: "function", function: { name: "weather", arguments: { city: "Paris" } } }],
  },
  { role: "tool", content: '{"degrees":21}', tool_call_id: "call-1" },
];
