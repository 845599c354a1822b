import { expect, it } from "vitest";
import { answerText, chunkText, queryText } from "./call-text.js";
import { type CallEnd, describeCall, readAsked } from "./describe-call.js";
import type { Fields } from "./record-fields.js";

const end: CallEnd = { error: undefined, latencyMs: 1, cancelled: false, text: undefined, returned: undefined };
const describe = (args: unknown[], result: unknown) => {
  const { query, turns } = readAsked(args);
  const fields: Fields = { query: query as string };
  describeCall(fields, turns, result, end, (error) => {
    throw error;
  });
  return fields;
};

it.each([
  [["what?", "else"], "what?"],
  [[{ depth: 1 }, "what?"], "what?"],
  [[{ query: "q" }], "q"],
  [[{ question: "q" }], "q"],
  [[{ prompt: "q" }], "q"],
  [[{ input: "q" }, "en"], "q"],
  [
    [
      {
        messages: [
          { role: "user", content: "a" },
          { role: "assistant", content: "b" },
          { role: "user", content: "c" },
        ],
      },
    ],
    "c",
  ],
  [[{ input: [{ role: "user", content: [{ type: "input_text", text: "a" }, { type: "input_image" }] }] }], "a"],
  [[[{ role: "user", content: "a" }]], "a"],
])("finds the question in %j", (args, query) => {
  expect(queryText(args)).toBe(query);
});

it("hands on arguments that hold no question, for the logger to make JSON of", () => {
  expect(queryText([{ city: "Paris" }])).toEqual({ city: "Paris" });
  expect(queryText([1, 2])).toEqual([1, 2]);
});

it.each([
  ["text", "text"],
  [42, "42"],
  [undefined, ""],
  [{ answer: "a", text: "t" }, "a"],
  [{ answer: 120 }, "120"],
  [{ text: "t" }, "t"],
  [{ output: "o" }, "o"],
  [{ content: "c" }, "c"],
  [
    {
      content: [
        { type: "text", text: "a" },
        { type: "tool_use", id: "1" },
        { type: "text", text: "b" },
      ],
    },
    "ab",
  ],
  [{ output: [{ type: "reasoning" }], output_text: "o" }, "o"],
  [{ choices: [{ message: { role: "assistant", content: "c" } }] }, "c"],
  [{ steps: [{}, { content: [{ type: "text", text: "last" }] }] }, "last"],
])("finds the answer in %j", (result, answer) => {
  expect(answerText(result)).toBe(answer);
});

it("takes a structure for the answer where there is no text", () => {
  expect(answerText({ city: "Paris" })).toEqual({ city: "Paris" });
  expect(answerText({ output: { city: "Paris" }, model: "m" })).toEqual({ city: "Paris" });
});

it.each([
  ["a", "a"],
  [{ text: "a" }, "a"],
  [{ type: "text-delta", delta: "a" }, "a"],
  [{ content: "a" }, "a"],
  [{ choices: [{ delta: { content: "a" } }] }, "a"],
  [{ type: "content_block_delta", delta: { type: "text_delta", text: "a" } }, "a"],
  [{ type: "tool-call" }, ""],
  [null, ""],
])("finds the text of the chunk %j", (chunk, text) => {
  expect(chunkText(chunk)).toBe(text);
});

it("picks up what the result says of itself", () => {
  const messages = [{ role: "user", content: "q" }];
  expect(
    describe(["q"], {
      answer: "a",
      messages,
      tools: [{ type: "function" }],
      toolsUsed: ["calculator", { name: "search" }],
      sources: ["doc-1", "https://example.org", { id: 7, pageContent: "t", metadata: { title: "T" }, score: 0.5 }],
      qualityScores: { overall: 0.9 },
      model: "m",
      usage: { prompt_tokens: 3, completion_tokens: 4 },
      reference: "a",
      groupId: "g",
    }),
  ).toEqual({
    query: "q",
    answer: "a",
    messages,
    tools: [{ type: "function" }],
    toolsUsed: ["calculator", "search"],
    sources: [{ id: "doc-1" }, { url: "https://example.org" }, { id: "7", text: "t", title: "T", score: 0.5 }],
    retrievalMethod: undefined,
    qualityScores: { overall: 0.9 },
    model: "m",
    usage: { inputTokens: 3, outputTokens: 4, costUsd: undefined },
    reference: "a",
    groupId: "g",
  });
});

it("keeps the tool calls of a chat completion in the conversation", () => {
  const message = { role: "assistant", content: null, tool_calls: [{ id: "1" }] };
  const asked = [
    { role: "system", content: "s" },
    { role: "user", content: "q" },
  ];
  expect(describe([{ messages: asked }], { choices: [{ message }] }).messages).toEqual([...asked, message]);
});
