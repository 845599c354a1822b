import { fakeOpenAiServer } from "@whetstone/core/testing";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { hasPython } from "./has-python.fixture.js";
import { liveSolver, type PolicyName, policies } from "./solve-task.js";
import { type Task, tasks } from "./tasks.js";

const BEYOND = ["levenshtein", "roman"];
const runnable = hasPython ? tasks : tasks.filter(({ language }) => language === "javascript");
const known = runnable.filter(({ id }) => !BEYOND.includes(id));

const taskOf = (id: string) => tasks.find((task) => task.id === id) as Task;

async function solvedBy(policy: PolicyName) {
  const solved: string[] = [];
  for (const task of runnable) if ((await policies[policy](task)).executionResult?.passed) solved.push(task.id);
  return solved;
}

describe("the policies", () => {
  it("careful solves all that the library knows", async () => {
    expect(await solvedBy("careful")).toEqual(known.map(({ id }) => id));
  });

  it("hurried writes code that loads, and is seldom right", async () => {
    const results = [];
    for (const task of known) results.push((await policies.hurried(task)).executionResult);
    expect(results.filter((result) => result?.status === "error")).toEqual([]);
    const right = results.filter((result) => result?.passed).length;
    expect(right).toBeGreaterThan(0);
    expect(right).toBeLessThan(known.length / 4);
    // A slip is no nonsense: nearly all of that code does something right.
    expect(results.filter((result) => result && result.passedTests > 0).length).toBeGreaterThan(known.length / 2);
  });

  it("retrying reads what the tests said and mends its slip", async () => {
    const answer = await policies.retrying(taskOf("odd-sum"));
    expect(answer.messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user", "assistant"]);
    expect(answer.messages[3]?.content).toBe(
      "It passes 2 of 3 tests:\n- oddSum([-3,-2,5]) gave 5, not 2\nMend the function and give it again, whole.",
    );
    expect(answer.executionResult).toEqual({
      status: "passed",
      passed: true,
      passedTests: 3,
      totalTests: 3,
      problems: [],
    });
    expect(answer.code).toContain("n % 2 !== 0");
  });

  it("careful shows its code in a fenced block, whose length it reports", async () => {
    const { answer, code, codeLength, language } = await policies.careful(taskOf("gcd"));
    expect(answer).toBe(
      `It finds the greatest common divisor with Euclid's method.\n\n\`\`\`javascript\n${code}\n\`\`\``,
    );
    expect(code).toMatch(/^function divisor\(a, b\) \{\n {2}let \[x, y\] = \[a, b\];\n/);
    expect([language, codeLength]).toEqual(["javascript", code.length]);
  });

  it.each(BEYOND)("say so when they cannot write %s", async (id) => {
    const { answer, executionResult, codeLength } = await policies.retrying(taskOf(id));
    expect(answer).toBe("I have no pattern for this function, so I cannot write it.");
    expect([executionResult, codeLength]).toEqual([null, 0]);
  });

  it("use names, numbers and bounds of the question, not its id", async () => {
    const asked: Task = {
      id: "unseen",
      language: "javascript",
      functionName: "elevens",
      question: "Write a JavaScript function `elevens(top)` that returns the sum of all multiples of 11 up to a top.",
      tests: [
        { args: [22], expected: 33 },
        { args: [10], expected: 0 },
      ],
    };
    expect((await policies.careful(asked)).executionResult?.passed).toBe(true);
    expect((await policies.hurried(asked)).executionResult?.problems).toEqual(["elevens(22) gave 11, not 33"]);
  });
});

describe("liveSolver", () => {
  const solverOn = (baseURL: string, options?: { rounds?: number }) =>
    liveSolver(new OpenAI({ baseURL, apiKey: "test-key", maxRetries: 0 }), "tiny", options);
  const fenced = (body: string) => `Here it is.\n\n\`\`\`js\nconst toRoman = (n) => ${body};\n\`\`\``;

  it("runs what the model wrote, shows it the failures and takes what it mends", async () => {
    await using server = await fakeOpenAiServer((_request, index) =>
      fenced(index === 0 ? '"IV"' : '(n === 4 ? "IV" : "MCMXCIV")'),
    );
    const answer = await solverOn(server.baseURL)(taskOf("roman"));
    expect(answer).toMatchObject({
      language: "javascript",
      model: "tiny",
      usage: { inputTokens: 20, outputTokens: 10 },
      executionResult: { passed: true, passedTests: 2 },
    });
    expect(server.requests).toHaveLength(2);
    expect(server.requests[0]?.headers.authorization).toBe("Bearer test-key");
    expect(server.requests[1]?.body.messages).toEqual(answer.messages.slice(0, -1));
    expect(JSON.stringify(answer.messages[3])).toContain('toRoman(1994) gave \\"IV\\", not \\"MCMXCIV\\"');
  });

  it("stops after its rounds with the result of the last one", async () => {
    await using server = await fakeOpenAiServer(() => fenced("undefined"));
    const { executionResult } = await solverOn(server.baseURL, { rounds: 3 })(taskOf("roman"));
    expect(server.requests).toHaveLength(3);
    expect(executionResult).toMatchObject({
      status: "failed",
      problems: ['toRoman(4) gave undefined, not "IV"', 'toRoman(1994) gave undefined, not "MCMXCIV"'],
    });
  });

  it("has nothing to run when the model gives no code", async () => {
    await using server = await fakeOpenAiServer(() => "I would rather not.");
    const { answer, code, executionResult } = await solverOn(server.baseURL)(taskOf("roman"));
    expect([answer, code, executionResult]).toEqual(["I would rather not.", "", null]);
  });
});
