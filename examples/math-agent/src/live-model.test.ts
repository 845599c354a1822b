import { createInteractionLogger, memoryStore, type StoredInteraction } from "@whetstone/core";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { liveModel } from "./live-model.js";
import { type ChatRequest, type LoopbackModel, loopbackModel, type Reply } from "./loopback-model.js";
import { createMathAgent } from "./math-agent.js";
import { tasks } from "./tasks.js";

const solverOn = ({ baseURL }: LoopbackModel, options: { maxTurns?: number } = {}) =>
  liveModel({ client: new OpenAI({ baseURL, apiKey: "test-key", maxRetries: 0 }), model: "tiny", ...options });

const callsFor = (expression: string): Reply => ({
  content: null,
  tool_calls: [{ id: "call_a", name: "calculator", arguments: JSON.stringify({ expression }) }],
});

const toolResults = ({ messages }: ChatRequest) =>
  messages.filter(({ role }) => role === "tool").map(({ content }) => content);

describe("liveModel", () => {
  it("gives the model the calculator, feeds back the result and returns the last word with the whole trajectory", async () => {
    await using server = await loopbackModel((request) =>
      toolResults(request).length === 0 ? callsFor("80 * 85%") : { content: "The answer is $68." },
    );
    const answer = await solverOn(server)("What is 80 less 15%?");
    expect(answer.answer).toBe("The answer is $68.");
    expect(answer.steps).toEqual([{ what: "calculator", expression: "80 * 85%", result: "68" }]);
    expect(answer.toolsUsed).toEqual(["calculator"]);
    expect(answer.usage).toEqual({ inputTokens: 200, outputTokens: 20 });
    expect(answer.messages).toHaveLength(5);
    expect(server.requests.map(({ authorization }) => authorization)).toEqual(["Bearer test-key", "Bearer test-key"]);
    expect(server.requests[1]?.messages.at(-1)).toEqual({ role: "tool", tool_call_id: "call_a", content: "68" });
    expect(server.requests[0]?.tools).toHaveLength(1);
  });

  it("tells the model what was wrong with a call and lets it go on", async () => {
    const bad: Reply[] = [
      callsFor("1 / 0"),
      { content: null, tool_calls: [{ id: "call_b", name: "calculator", arguments: "{not json" }] },
      { content: null, tool_calls: [{ id: "call_c", name: "browser", arguments: "{}" }] },
    ];
    await using server = await loopbackModel(
      (request) => bad[toolResults(request).length] ?? { content: "I give up." },
    );
    const { answer } = await solverOn(server)("What is 1 / 0?");
    expect(answer).toBe("I give up.");
    const [first, second, third] = toolResults(server.requests.at(-1) as ChatRequest);
    expect(first).toBe("error: Division by Zero");
    expect(second).toMatch(/^error: .*JSON/);
    expect(third).toBe("error: there is no tool browser");
  });

  it("ends a model that only ever calls the tool", async () => {
    await using server = await loopbackModel(() => callsFor("1 + 1"));
    await expect(solverOn(server, { maxTurns: 3 })("What is 1 + 1?")).rejects.toThrow(
      "tiny gave no answer within 3 turns",
    );
    expect(server.requests).toHaveLength(3);
  });
});

describe("a recorded live agent", () => {
  const task = tasks[0] as (typeof tasks)[number];

  async function recordedCall(server: LoopbackModel): Promise<{ outcome: unknown; record: StoredInteraction }> {
    const store = memoryStore();
    const logger = createInteractionLogger({ store });
    const outcome = await createMathAgent(logger, "tiny", solverOn(server))
      .answer(task)
      .catch((error: unknown) => error);
    await logger.close();
    const records: StoredInteraction[] = [];
    for await (const batch of store.query()) records.push(...batch);
    expect(records).toHaveLength(1);
    return { outcome, record: records[0] as StoredInteraction };
  }

  it("leaves one record with the trajectory in canonical form, the task's reference and the model", async () => {
    await using server = await loopbackModel((request) =>
      toolResults(request).length === 0 ? callsFor("48 / 8 * 5") : { content: "The answer is 30." },
    );
    const { record } = await recordedCall(server);
    expect(record).toMatchObject({
      agentType: "math",
      variant: "tiny",
      model: "tiny",
      query: task.question,
      reference: task.reference,
      groupId: task.id,
      answer: "The answer is 30.",
      toolsUsed: ["calculator"],
      errorOccurred: false,
      usage: { inputTokens: 200, outputTokens: 20 },
    });
    expect(record.messages?.[2]).toMatchObject({
      role: "assistant",
      content: "",
      tool_calls: [{ function: { name: "calculator", arguments: { expression: "48 / 8 * 5" } } }],
    });
    expect(record.tools?.[0]?.function.name).toBe("calculator");
  });

  it("records the failure of the endpoint and hands the client's own error to the caller", async () => {
    await using server = await loopbackModel(() => 401);
    const { outcome, record } = await recordedCall(server);
    expect(outcome).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(record).toMatchObject({ errorOccurred: true, query: task.question, variant: "tiny", answer: "" });
    expect(record.errorMessage).toContain("refused with 401");
  });
});
