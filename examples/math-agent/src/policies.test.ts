import { mathVerifier } from "@whetstone/core";
import { describe, expect, it } from "vitest";
import { type PolicyName, policies } from "./policies.js";
import { tasks } from "./tasks.js";

async function shareRight(policy: PolicyName): Promise<number> {
  const verify = mathVerifier();
  let right = 0;
  for (const { id, question, reference } of tasks) {
    const { answer } = await policies[policy](question);
    const score = await verify(
      {
        interactionId: id,
        timestamp: 0,
        query: question,
        answer,
        reference,
        agentType: "math",
        qualityScores: {},
        latencyMs: 0,
        toolsUsed: [],
        errorOccurred: false,
      },
      {},
    );
    right += score?.scores.overall ?? 0;
  }
  return right / tasks.length;
}

describe("the policies", () => {
  it.each(["planner", "paper", "terse"] as const)("%s solves nearly all tasks", async (policy) => {
    expect(await shareRight(policy)).toBeGreaterThanOrEqual(0.97);
  });

  it("get worse from planner over careless to hasty, and none is hopeless", async () => {
    const [careless, hasty] = [await shareRight("careless"), await shareRight("hasty")];
    expect(careless).toBeLessThan(0.8);
    expect(hasty).toBeLessThan(careless - 0.1);
    expect(hasty).toBeGreaterThan(0.25);
  });

  it("answer the same question the same way twice", async () => {
    for (const policy of Object.values(policies)) {
      const question = "A coat costs $80 and is reduced by 15%. What is the new price?";
      expect(await policy(question)).toEqual(await policy(question));
    }
  });
});

describe("planner", () => {
  it("calls the calculator for each step, checks itself and tells the whole way", async () => {
    const { messages, toolsUsed, tools, steps, verification, answer } = await policies.planner(
      "A coat costs $80 and is reduced by 15%. What is the new price?",
    );
    expect(messages.map((turn) => "role" in turn && turn.role)).toEqual([
      "system",
      "user",
      "assistant",
      "tool",
      "assistant",
      "tool",
      "assistant",
    ]);
    expect(messages[2]).toMatchObject({
      tool_calls: [{ id: "call_1", function: { name: "calculator", arguments: { expression: "80 * 15%" } } }],
    });
    expect(messages[3]).toEqual({ role: "tool", tool_call_id: "call_1", name: "calculator", content: "12" });
    expect(messages.at(-1)).toEqual({ role: "assistant", content: answer });
    expect(toolsUsed).toEqual(["calculator"]);
    expect(tools?.map(({ function: { name } }) => name)).toEqual(["calculator"]);
    expect(steps.map(({ result }) => result)).toEqual(["12", "68"]);
    expect(verification).toEqual({ passed: true, detail: "80 - (80 * 15%) = 68" });
    expect(answer.split("\n").at(-1)).toBe("The answer is $68.");
  });

  it("puts the solution back into an equation", async () => {
    const { verification } = await policies.planner("Solve 5(x - 2) = 3x + 8.");
    expect(verification).toEqual({ passed: true, detail: "with 9 the left side is 35 and the right side 35" });
  });

  it("says so when it has no plan", async () => {
    const { answer, toolsUsed } = await policies.planner("How many handshakes do eight people make?");
    expect(answer).toBe("I found no plan for this problem, so I have no answer to it.");
    expect(toolsUsed).toEqual([]);
  });
});

describe("the weaker variants", () => {
  it("careless rounds on the way and drops the end of a long plan", async () => {
    const rounding = await policies.careless("What percent of 80 is 28?");
    expect(rounding.answer).toBe("28 / 80 is 0.3, 0.3 * 100 is 30.\nThe answer is 30%.");
    const forgetting = await policies.careless("Calculate 2^5 + 7 * 3 - 11.");
    expect(forgetting.steps).toHaveLength(3);
    expect(forgetting.answer).toMatch(/The answer is 53\.$/);
  });

  it("hasty takes 15% for 15 and stops after two steps", async () => {
    const { answer } = await policies.hasty("A coat costs $80 and is reduced by 15%. What is the new price?");
    expect(answer).toBe("15% is 15, 80 - 15 is 65.\nThe answer is $65.");
    expect((await policies.hasty("Work out (17 + 8) * 6 - 90 / 4.")).steps).toHaveLength(2);
  });
});
