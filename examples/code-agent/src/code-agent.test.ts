import {
  createInteractionLogger,
  effectiveScore,
  memoryStore,
  type StoredInteraction,
  scoreInteractions,
} from "@whetstone/core";
import { fakeOpenAiServer } from "@whetstone/core/testing";
import { buildDpoDataset, buildSftDataset } from "@whetstone/datasets";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { createCodeAgent } from "./code-agent.js";
import { liveSolver, policies, type Solve } from "./solve-task.js";
import { referenceOf, type Task, tasks } from "./tasks.js";
import { testsVerifier } from "./tests-verifier.js";

const taskOf = (id: string) => tasks.find((task) => task.id === id) as Task;

async function recorded(calls: readonly (readonly [variant: string, solve: Solve, task: Task])[]) {
  const store = memoryStore();
  const logger = createInteractionLogger({ store });
  const outcomes: unknown[] = [];
  for (const [variant, solve, task] of calls) {
    const agent = createCodeAgent(logger, variant, solve);
    outcomes.push(await agent.answer(task).catch((error: unknown) => error));
  }
  await logger.close();
  const records: StoredInteraction[] = [];
  for await (const batch of store.query()) records.push(...batch);
  return { store, records, outcomes };
}

async function rowsOf<Row>(build: AsyncIterable<Row>): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of build) rows.push(row);
  return rows;
}

describe("a recorded code agent", () => {
  it("leaves language, code length and execution result in the record, and the tests as its reference", async () => {
    const task = taskOf("rotate-left");
    const { records } = await recorded([["hurried", policies.hurried, task]]);
    expect(records).toHaveLength(1);
    const [record] = records;
    expect(record).toMatchObject({
      agentType: "code",
      variant: "hurried",
      query: task.question,
      groupId: "rotate-left",
      errorOccurred: false,
      metadata: {
        language: "javascript",
        executionPassed: false,
        executionResult: {
          status: "failed",
          passedTests: 2,
          totalTests: 3,
          problems: ["rotate([1,2,3], 7) gave [1,2,3], not [2,3,1]"],
        },
      },
    });
    expect(record?.metadata?.codeLength).toBe(record?.answer.match(/```javascript\n([\s\S]*)\n```/)?.[1]?.length);
    expect(record?.reference).toBe(
      [
        "assert.deepEqual(rotate([1,2,3], 1), [2,3,1]);",
        "assert.deepEqual(rotate([1,2,3], 7), [2,3,1]);",
        "assert.deepEqual(rotate([], 2), []);",
      ].join("\n"),
    );
  });

  it("becomes rows: the right answer for SFT, right against wrong for DPO", async () => {
    const task = taskOf("kth-largest");
    const { store, records } = await recorded([
      ["hurried", policies.hurried, task],
      ["careful", policies.careful, task],
      ["careful", policies.careful, taskOf("roman")],
    ]);
    const report = await scoreInteractions(store, testsVerifier);
    expect(report.scored).toBe(2); // nobody can say how good no code is
    const scored: Record<string, number | undefined> = {};
    for await (const batch of store.query()) {
      for (const interaction of batch)
        if (interaction.groupId === task.id) scored[interaction.variant ?? ""] = effectiveScore(interaction)?.overall;
    }
    expect(scored).toEqual({ hurried: 0, careful: 1 });

    const [careful, hurried] = ["careful", "hurried"].map(
      (variant) => records.find((record) => record.variant === variant && record.groupId === task.id)?.answer,
    );
    const sft = await rowsOf(buildSftDataset(store));
    expect(sft.map((row) => "messages" in row && row.messages.at(-1)?.content)).toEqual([careful]);
    const dpo = await rowsOf(buildDpoDataset(store));
    expect(dpo).toMatchObject([{ chosen: [{ content: careful }], rejected: [{ content: hurried }] }]);
  });

  it("records a real client's answer with its model, and its failure with the client's own error", async () => {
    await using server = await fakeOpenAiServer((_request, index) =>
      index === 0 ? "```js\nfunction toRoman(n) { return n === 4 ? 'IV' : 'MCMXCIV' }\n```" : { status: 401 },
    );
    const client = new OpenAI({ baseURL: server.baseURL, apiKey: "test-key", maxRetries: 0 });
    const solve = liveSolver(client, "tiny");
    const { records, outcomes } = await recorded([
      ["tiny", solve, taskOf("roman")],
      ["tiny", solve, taskOf("roman")],
    ]);
    expect(records[0]).toMatchObject({
      model: "tiny",
      usage: { inputTokens: 10, outputTokens: 5 },
      metadata: { executionPassed: true },
    });
    expect(records[0]?.messages?.map(({ role }) => role)).toEqual(["system", "user", "assistant"]);
    expect(outcomes[1]).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(records[1]).toMatchObject({ errorOccurred: true, answer: "", query: taskOf("roman").question });
  });
});

describe("referenceOf", () => {
  it("writes the tests as assertions of the task's language", () => {
    const values = {
      id: "x",
      functionName: "f",
      question: "",
      tests: [{ args: [true, "a"], expected: { a: [null] } }],
    };
    expect(referenceOf({ ...values, language: "python" })).toBe('assert f(True, "a") == {"a": [None]}');
    expect(referenceOf({ ...values, language: "javascript" })).toBe('assert.deepEqual(f(true, "a"), {"a":[null]});');
  });
});
