import { expect, it } from "vitest";
import { testLogger } from "./test-logger.js";
import { wrapAgent } from "./wrap-agent.js";

const { logger, records } = testLogger();

async function recorded(agentType: string, result: unknown) {
  await wrapAgent(async (_question: string) => result, { logger, agentType })("q");
  return (await records()).at(-1);
}

it("reads a math agent's steps, tools and verification", async () => {
  const steps = [{ tool: "calculator", input: "6*7" }, "so it is 42"];
  expect(
    await recorded("math", { answer: 42, steps, verification: { passed: true, method: "substitution" } }),
  ).toMatchObject({
    answer: "42",
    toolsUsed: ["calculator"],
    metadata: { steps, verified: true, verification: { passed: true, method: "substitution" } },
  });
  expect((await recorded("math", { answer: "42", verified: false, toolsUsed: ["cas"] }))?.metadata).toEqual({
    verified: false,
  });
  expect((await recorded("math", "42"))?.metadata).toBeUndefined();
});

it("reads a code agent's code, language and execution result", async () => {
  const executionResult = { exitCode: 0, stdout: "5" };
  expect(await recorded("code", { code: "print(5)", language: "python", executionResult })).toMatchObject({
    answer: "print(5)",
    metadata: { language: "python", codeLength: 8, executionResult, executionPassed: true },
  });
  expect(await recorded("code", "Here:\n```ts\nlet a;\n```")).toMatchObject({ metadata: { language: "ts" } });
  expect(await recorded("code", { answer: "see the code", code: "x", codeLength: 9 })).toMatchObject({
    answer: "see the code",
    metadata: { codeLength: 9 },
  });
});

it.each([
  [{ passed: false, problems: ["f(1) gave 2"] }, false],
  [{ success: true }, true],
  [{ exitCode: 1, stderr: "" }, false],
  [{ status: "not run", passedTests: 0 }, undefined],
  ["5\n", undefined],
  [null, undefined],
])("reads from the execution result %j whether the code passed: %s", async (executionResult, passed) => {
  const record = await recorded("code", { answer: "a", language: "python", executionResult });
  expect(record?.metadata).toMatchObject({ executionResult });
  expect(record?.metadata?.executionPassed).toBe(passed);
});

it("reads a rag agent's sources, retrieval method and citation quality", async () => {
  expect(
    await recorded("rag", {
      answer: "Paris [1]",
      documents: [{ pageContent: "Paris is…", metadata: { source: "geo.md", title: "Geo" }, similarity: 0.8 }],
      retrievalMethod: "hybrid",
      citationQuality: 0.9,
    }),
  ).toMatchObject({
    answer: "Paris [1]",
    sources: [{ id: "geo.md", title: "Geo", text: "Paris is…", score: 0.8 }],
    retrievalMethod: "hybrid",
    metadata: { citationQuality: 0.9 },
  });
});

it("uses no preset for other agent types, not even for the names of built-ins", async () => {
  expect((await recorded("toString", { answer: "a", steps: [1] }))?.metadata).toBeUndefined();
  expect((await recorded("general", { answer: "a", steps: [1] }))?.metadata).toBeUndefined();
});
