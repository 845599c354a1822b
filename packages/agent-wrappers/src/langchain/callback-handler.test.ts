import type { CallbackHandlerMethods } from "@langchain/core/callbacks/base";
import { Document } from "@langchain/core/documents";
import { AIMessage, HumanMessage, SystemMessage, type ToolMessage } from "@langchain/core/messages";
import { StringOutputParser } from "@langchain/core/output_parsers";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { BaseRetriever } from "@langchain/core/retrievers";
import { type RunnableConfig, RunnableLambda } from "@langchain/core/runnables";
import { DynamicStructuredTool } from "@langchain/core/tools";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import type { FakeOpenAiReply } from "@whetstone/core/testing";
import { expect, expectTypeOf, it } from "vitest";
import { withSession } from "../interaction-context.js";
import { testLogger } from "../test-logger.js";
import { type Replies, testModel } from "../test-model.js";
import { wrapAgent } from "../wrap-agent.js";
import { type WhetstoneCallbackHandler, whetstoneCallbackHandler } from "./callback-handler.js";

const fake = testModel();

function modelAnswering(answer: Replies) {
  fake.answers(answer);
  return new ChatOpenAI({
    model: "m-1",
    apiKey: "none",
    maxRetries: 0,
    useResponsesApi: false,
    configuration: { baseURL: fake.baseURL },
  });
}

function recording(options: Parameters<typeof whetstoneCallbackHandler>[0] = {}) {
  const { logger, records } = testLogger();
  const errors: unknown[] = [];
  const handler = whetstoneCallbackHandler({ logger, onError: (error) => errors.push(error), ...options });
  return { callbacks: [handler], records, errors };
}

const weather = new DynamicStructuredTool({
  name: "weather",
  description: "The weather in a city",
  schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  func: async ({ city }: { city: string }) => `21 degrees in ${city}`,
});

class Shelf extends BaseRetriever {
  lc_namespace = ["test"];
  override async _getRelevantDocuments() {
    return [
      new Document({ pageContent: "Paris is warm.", metadata: { source: "doc-1", title: "Paris" } }),
      new Document({ pageContent: "Oslo is not.", id: "doc-2" }),
    ];
  }
}

it("records a call of a model with its tokens and session", async () => {
  const { callbacks, records, errors } = recording();
  const model = modelAnswering(() => "120");
  await withSession({ sessionId: "s-1" }, () => model.invoke("5!", { callbacks }));
  const [record, ...more] = await records();
  expect([more, errors]).toEqual([[], []]);
  expect(record).toMatchObject({
    query: "5!",
    answer: "120",
    model: "m-1",
    sessionId: "s-1",
    usage: { inputTokens: 10, outputTokens: 5 },
  });
  expect(record?.messages).toBeUndefined();
});

it("records an agent's loop as one conversation with its tools", async () => {
  const { callbacks, records, errors } = recording({ agentType: "weather" });
  const model = modelAnswering((index) => (index === 0 ? callWeather : "It is 21 degrees.")).bindTools([weather]);
  const agent = RunnableLambda.from(async (question: string, config: RunnableConfig) => {
    const asked = [new SystemMessage("Be brief."), new HumanMessage(question)];
    const said = await model.invoke(asked, config);
    const results: ToolMessage[] = [];
    for (const call of said.tool_calls ?? [])
      results.push(await weather.invoke({ ...call, type: "tool_call" }, config));
    return (await model.invoke([...asked, said, ...results], config)).text;
  });
  expect(await agent.invoke("Paris?", { callbacks, metadata: { thread_id: "t-7" } })).toBe("It is 21 degrees.");
  const [record, ...more] = await records();
  expect([more, errors]).toEqual([[], []]);
  expect(record).toMatchObject({
    query: "Paris?",
    answer: "It is 21 degrees.",
    agentType: "weather",
    sessionId: "t-7",
    toolsUsed: ["weather"],
    usage: { inputTokens: 20, outputTokens: 10 },
    metadata: { finishReason: "stop" },
  });
  expect(record?.messages).toEqual([
    { role: "system", content: "Be brief." },
    { role: "user", content: "Paris?" },
    {
      role: "assistant",
      content: "",
      tool_calls: [{ id: "call-1", type: "function", function: { name: "weather", arguments: { city: "Paris" } } }],
    },
    { role: "tool", content: "21 degrees in Paris", tool_call_id: "call-1", name: "weather" },
    { role: "assistant", content: "It is 21 degrees." },
  ]);
  expect(record?.tools).toMatchObject([{ function: { name: "weather", parameters: { required: ["city"] } } }]);
  expect(record?.flags).toBeUndefined();
});

it("records a LangGraph agent as one conversation, in the session of its thread", async () => {
  const { callbacks, records, errors } = recording();
  const llm = modelAnswering((index) => (index === 0 ? callWeather : "It is 21 degrees."));
  // LangGraph's own types do not fit under exactOptionalPropertyTypes.
  const graph = createReactAgent({ llm, tools: [weather as never], prompt: "Be brief." });
  const messages = [new HumanMessage("Paris?")];
  await graph.invoke({ messages }, { callbacks, configurable: { thread_id: "t-9" } });
  const [record, ...more] = await records();
  expect([more, errors]).toEqual([[], []]);
  expect(record).toMatchObject({
    query: "Paris?",
    answer: "It is 21 degrees.",
    sessionId: "t-9",
    toolsUsed: ["weather"],
    usage: { inputTokens: 20, outputTokens: 10 },
  });
  expect(record?.messages?.map(({ role }) => role)).toEqual(["system", "user", "assistant", "tool", "assistant"]);
});

it("keeps a tool's result also when no model sees it", async () => {
  const { callbacks, records } = recording();
  const model = modelAnswering(() => callWeather).bindTools([weather]);
  const agent = RunnableLambda.from(async (question: string, config: RunnableConfig) => {
    const [call] = (await model.invoke(question, config)).tool_calls ?? [];
    return call ? ((await weather.invoke({ ...call, type: "tool_call" }, config)) as ToolMessage).text : "";
  });
  await agent.invoke("Paris?", { callbacks });
  const [record] = await records();
  expect(record?.answer).toBe("21 degrees in Paris");
  expect(record?.messages?.map(({ role }) => role)).toEqual(["user", "assistant", "tool"]);
});

const ragChain = (model: ChatOpenAI) => {
  const shelf = new Shelf();
  const prompt = ChatPromptTemplate.fromMessages([
    ["system", "Answer from: {context}"],
    ["human", "{question}"],
  ]);
  return RunnableLambda.from(async ({ question }: { question: string }, config: RunnableConfig) => ({
    question,
    context: (await shelf.invoke(question, config)).map(({ pageContent }) => pageContent).join(" "),
  }))
    .pipe(prompt)
    .pipe(model)
    .pipe(new StringOutputParser());
};

it("records a chain's question, answer and sources", async () => {
  const { callbacks, records, errors } = recording({ agentType: "rag" });
  await ragChain(modelAnswering(() => "Paris is.")).invoke({ question: "Where is it warm?" }, { callbacks });
  const [record, ...more] = await records();
  expect([more, errors]).toEqual([[], []]);
  expect(record).toMatchObject({ query: "Where is it warm?", answer: "Paris is." });
  expect(record?.sources).toEqual([
    { id: "doc-1", title: "Paris", text: "Paris is warm." },
    { id: "doc-2", text: "Oslo is not." },
  ]);
  expect(record?.messages?.[0]).toEqual({ role: "system", content: "Answer from: Paris is warm. Oslo is not." });
});

it("records a streamed chain at its end", async () => {
  const { callbacks, records } = recording();
  const stream = await ragChain(modelAnswering(() => "Paris is warm.")).stream({ question: "Where?" }, { callbacks });
  let text = "";
  for await (const chunk of stream) text += chunk;
  expect(text).toBe("Paris is warm.");
  const [record, ...more] = await records();
  expect(more).toEqual([]);
  expect(record).toMatchObject({ query: "Where?", answer: "Paris is warm." });
  expect(record?.messages?.at(-1)).toEqual({ role: "assistant", content: "Paris is warm." });
});

it("records a failed chain once, and hands on its error", async () => {
  const { callbacks, records } = recording();
  const chain = ragChain(modelAnswering(() => ({ status: 400 })));
  await expect(chain.invoke({ question: "Where?" }, { callbacks })).rejects.toThrow("400");
  const [record, ...more] = await records();
  expect(more).toEqual([]);
  expect(record).toMatchObject({ query: "Where?", answer: "", errorOccurred: true });
  expect(record?.errorMessage).toContain("400");
});

it("keeps the text of parts, and a mark where a question had a picture", async () => {
  const { callbacks, records } = recording();
  const content = [
    { type: "text", text: "What is this? " },
    { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } },
  ];
  await modelAnswering(() => "A cat.").invoke([new HumanMessage({ content })], { callbacks });
  expect(await records()).toMatchObject([{ query: "What is this? [image_url]", answer: "A cat." }]);
});

it("keeps parallel calls apart", async () => {
  const { callbacks, records } = recording();
  const echo = RunnableLambda.from(async (question: string) => `${question}!`);
  const questions = Array.from({ length: 20 }, (_, i) => `q${i}`);
  await echo.batch(questions, { callbacks });
  const found = (await records()).map(({ query, answer }) => [query, answer]);
  expect(found.toSorted()).toEqual(questions.map((question) => [question, `${question}!`]).toSorted());
});

it("makes a record of its own inside a wrapped agent, so one of the two is enough", async () => {
  const { logger, records } = testLogger();
  const callbacks = [whetstoneCallbackHandler({ logger, agentType: "chain" })];
  const model = modelAnswering(() => "120");
  const ask = wrapAgent(async (question: string) => (await model.invoke(question, { callbacks })).text, {
    logger,
    agentType: "agent",
  });
  await ask("5!");
  expect((await records()).map(({ agentType, answer }) => [agentType, answer])).toEqual([
    ["chain", "120"],
    ["agent", "120"],
  ]);
});

it("fits LangChain's type, and takes what it does not know", async () => {
  expectTypeOf<WhetstoneCallbackHandler>().toExtend<CallbackHandlerMethods>();
  const { callbacks, records, errors } = recording();
  const [handler] = callbacks as [WhetstoneCallbackHandler];
  handler.handleChatModelStart(null, [[null, 7, { type: "hologram" }, new AIMessage("hi")]], "a");
  handler.handleLLMEnd({ generations: "none" }, "a");
  handler.handleChainEnd(null, "never begun");
  handler.handleRetrieverStart(null, "", "b");
  handler.handleRetrieverEnd("none", "b");
  expect([await records(), errors]).toEqual([[], []]);
});

const callWeather: FakeOpenAiReply = {
  message: {
    tool_calls: [{ id: "call-1", type: "function", function: { name: "weather", arguments: '{"city":"Paris"}' } }],
  },
  finishReason: "tool_calls",
};
