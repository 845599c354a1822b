import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, it } from "vitest";
import { testLogger } from "./test-logger.js";
import { wrapAgent } from "./wrap-agent.js";

// The real client against a server of our own that speaks its protocol: the answer is the question in capitals.
const server = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  const { messages, stream } = JSON.parse(body);
  const answer: string = messages.at(-1).content.toUpperCase();
  if (answer === "FAIL") {
    response.writeHead(400, { "content-type": "application/json" }).end('{"error":{"message":"no such model"}}');
  } else if (stream) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const content of answer.split(/(?<= )/)) {
      response.write(`data: ${JSON.stringify({ model: "m-1", choices: [{ index: 0, delta: { content } }] })}\n\n`);
    }
    response.end("data: [DONE]\n\n");
  } else {
    const message = { role: "assistant", content: answer };
    const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ model: "m-1", choices: [{ index: 0, message, finish_reason: "stop" }], usage }));
  }
});

let client: OpenAI;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  client = new OpenAI({ apiKey: "none", baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 });
});
afterAll(() => server.close());

const { logger, records } = testLogger();
const options = { logger, agentType: "general" };

const chat = wrapAgent(
  (content: string) => client.chat.completions.create({ model: "m", messages: [{ role: "user", content }] }),
  options,
);
const chatStream = wrapAgent(
  (content: string) =>
    client.chat.completions.create({ model: "m", messages: [{ role: "user", content }], stream: true }),
  options,
);

async function recordsOf(query: string) {
  return (await records()).filter((record) => record.query === query);
}

it("records an awaited completion with its model and usage", async () => {
  expect((await chat("hello")).choices[0]?.message.content).toBe("HELLO");
  expect(await recordsOf("hello")).toMatchObject([
    { answer: "HELLO", model: "m-1", usage: { inputTokens: 3, outputTokens: 4 } },
  ]);
});

it("keeps withResponse and asResponse of the client's promise", async () => {
  const { data, response } = await chat("with response").withResponse();
  expect([data.model, response.status]).toEqual(["m-1", 200]);
  expect(await recordsOf("with response")).toMatchObject([{ answer: "WITH RESPONSE" }]);
  const raw = await chat("raw").asResponse();
  expect((JSON.parse(await raw.text()) as { model: string }).model).toBe("m-1");
  expect(await recordsOf("raw")).toEqual([]);
});

it("hands on the client's error", async () => {
  await expect(chat("fail")).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  expect(await recordsOf("fail")).toMatchObject([{ errorOccurred: true, errorMessage: "400 no such model" }]);
});

it("records a stream at its end, with its tee and controller intact", async () => {
  const stream = await chatStream("a b c");
  expect(stream.controller).toBeInstanceOf(AbortController);
  const [left, right] = stream.tee();
  for (const half of [left, right]) {
    let text = "";
    for await (const chunk of half) text += chunk.choices[0]?.delta.content ?? "";
    expect(text).toBe("A B C");
  }
  expect(await recordsOf("a b c")).toMatchObject([{ answer: "A B C", model: "m-1" }]);
});

it("records a stream that is left early, or read as a Web stream", async () => {
  for await (const _ of await chatStream("one two")) break;
  expect(await recordsOf("one two")).toMatchObject([{ answer: "ONE ", metadata: { cancelled: true } }]);
  await new Response((await chatStream("three four")).toReadableStream()).text();
  expect(await recordsOf("three four")).toMatchObject([{ answer: "THREE FOUR" }]);
});
