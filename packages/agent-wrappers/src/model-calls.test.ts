import { expect, it } from "vitest";
import { type ChatTurn, conversationFields } from "./chat-turns.js";
import { type ModelCall, openModelCalls } from "./model-calls.js";

const user = (content: string): ChatTurn => ({ role: "user", content });
const assistant = (content: string): ChatTurn => ({ role: "assistant", content });
const calling = (id: string): ChatTurn => ({
  role: "assistant",
  content: "",
  tool_calls: [{ id, type: "function", function: { name: "search", arguments: {} } }],
});
const result = (id: string): ChatTurn => ({ role: "tool", content: "found", tool_call_id: id });

function call(turns: readonly ChatTurn[], model = "m"): ModelCall {
  const { answer = "", toolsUsed = [] } = conversationFields(turns);
  return { turns, answer, toolsUsed, model, usage: { inputTokens: 10, outputTokens: 1 } };
}

const loop = [user("q"), calling("a"), result("a"), calling("b"), result("b"), assistant("the answer")];

it("takes the steps of a tool loop for one conversation, in whatever order they end", () => {
  const calls = openModelCalls();
  for (const length of [2, 4, 6]) calls.add(call(loop.slice(0, length)));
  expect(calls.fields({ answer: "something else" })).toMatchObject({
    messages: loop,
    usage: { inputTokens: 30, outputTokens: 3 },
    metadata: { modelCalls: 3 },
  });
  expect(calls.toolsUsed).toEqual(["search"]);
});

it("finds the conversation that gave the answer among several", () => {
  const calls = openModelCalls();
  const [system, title] = [{ role: "system", content: "Name it." }, assistant("A title")];
  calls.add(call(loop, "main"));
  calls.add(call([system, user("q"), title], "side"));
  expect(calls.fields({ answer: "So: the answer." })).toMatchObject({ messages: loop, model: "main" });
  expect(calls.fields({ answer: "title" })).toMatchObject({ messages: [system, user("q"), title], model: "side" });
});

it("takes none for it where none of several has the answer", () => {
  const calls = openModelCalls();
  calls.add(call(loop));
  calls.add(call([user("another"), assistant("A title")]));
  expect(calls.fields({ answer: "42" })).toMatchObject({ messages: undefined, usage: { inputTokens: 20 } });
  expect(calls.fields({ answer: "" }).messages).toBeUndefined();
});

it("leaves what the agent says itself, and fills in an answer that it does not give", () => {
  const calls = openModelCalls();
  calls.add({ ...call(loop), tools: [{ name: "search" }] });
  const messages = [...loop, user("and then?"), assistant("more")];
  expect(calls.fields({ answer: "the answer", messages, tools: [{ name: "own" }] })).toMatchObject({
    messages: undefined,
    tools: [{ name: "own" }],
  });
  expect(calls.fields({ answer: "" })).toMatchObject({ answer: "the answer", tools: [{ name: "search" }] });
  expect(calls.fields({ answer: "", errorOccurred: true }).answer).toBeUndefined();
});

it("says nothing of a single question and answer, and nothing of no calls", () => {
  const calls = openModelCalls();
  expect(calls.fields({ answer: "x" })).toEqual({});
  calls.add(call([user("q"), assistant("x")]));
  expect(calls.fields({ answer: "x" })).toMatchObject({ messages: undefined, model: "m" });
});

it("keeps the newest of very many conversations, and takes none after it is closed", () => {
  const calls = openModelCalls();
  for (let i = 0; i < 100; i += 1)
    calls.add(call([user(`q${i}`), calling(`c${i}`), result(`c${i}`), assistant(`a${i}.`)]));
  expect(calls.fields({ answer: "a99." }).messages).toHaveLength(4);
  expect(calls.fields({ answer: "a0." }).messages).toBeUndefined();
  expect(calls.fields({ answer: "a0." }).metadata).toEqual({ modelCalls: 100 });
  calls.close();
  expect(calls.add(call(loop))).toBe(false);
});
