import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { scoreInteractions } from "../score-interactions.js";
import { memoryStore } from "../stores/memory-store.js";
import { interaction } from "../testing/interaction.js";
import { fakeJudge, TINY, verdict } from "./fake-judge.fixture.js";
import { judgeBudget } from "./judge-budget.js";
import { judgeCache } from "./judge-cache.js";
import { llmJudge } from "./llm-judge.js";

async function storeOf(count: number) {
  const store = memoryStore();
  await store.append(
    Array.from({ length: count }, (_, i) => interaction({ interactionId: `i-${i}`, answer: `It is ${i}.` })),
  );
  return store;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "whetstone-budget-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "scored",
    (error: { code?: string }) => error.code,
  );

describe("what a call takes", () => {
  it("stands with the score, with its cost by the judge's price, and in the report", async () => {
    const { options } = await fakeJudge((nonce) => verdict(nonce));
    const store = await storeOf(2);
    const judge = llmJudge({ ...options, rubric: TINY, price: { inputUsd: 100, outputUsd: 1_000 } });
    const report = await scoreInteractions(store, judge);
    const usage = { inputTokens: 10, outputTokens: 5, costUsd: 0.006 };
    expect((await store.get("i-0"))?.annotations).toMatchObject([{ kind: "score", usage }]);
    expect(report.usage).toEqual({ calls: 2, inputTokens: 20, outputTokens: 10, costUsd: 0.012 });
  });

  it("is what the endpoint says it cost, where it says so", async () => {
    const { options } = await fakeJudge((nonce) => ({
      body: JSON.stringify({
        choices: [{ message: { content: verdict(nonce) }, finish_reason: "stop" }],
        usage: { prompt_tokens: 7, completion_tokens: 3, cost: 0.25 },
      }),
    }));
    const judge = llmJudge({ ...options, rubric: TINY, price: { inputUsd: 1, outputUsd: 1 } });
    const told: unknown[] = [];
    await judge(interaction(), { onUsage: (usage) => told.push(usage) });
    expect(told).toEqual([{ inputTokens: 7, outputTokens: 3, costUsd: 0.25 }]);
  });

  it("is recorded of a call without a usable verdict too", async () => {
    const { options } = await fakeJudge(() => "no verdict");
    const store = await storeOf(1);
    const report = await scoreInteractions(store, llmJudge({ ...options, rubric: TINY }));
    expect(report).toMatchObject({ failed: 1, usage: { calls: 1, inputTokens: 10, outputTokens: 5 } });
    expect((await store.get("i-0"))?.annotations).toMatchObject([
      { kind: "unscored", source: "judge:m@tiny", code: "SCORING_UNPARSABLE", usage: { inputTokens: 10 } },
    ]);
  });
});

describe("the cache", () => {
  it("gives an equal answer its verdict without a call", async () => {
    const { options, server } = await fakeJudge((nonce) => verdict(nonce, 0.5));
    const judge = llmJudge({ ...options, rubric: TINY });
    const first = await judge(interaction({ interactionId: "a" }), {});
    expect(await judge(interaction({ interactionId: "b" }), {})).toEqual(first);
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ["answer", { answer: "121" }],
    ["question", { query: "What is 7 * 20?" }],
    ["reference", { reference: "120" }],
  ])("knows another %s for another case", async (_, other) => {
    const { options, server } = await fakeJudge((nonce) => verdict(nonce));
    const judge = llmJudge({ ...options, rubric: TINY });
    await judge(interaction(), {});
    await judge(interaction(other), {});
    expect(server.requests).toHaveLength(2);
  });

  it("remembers no failure, and nothing when turned off", async () => {
    const { options, server } = await fakeJudge((nonce, _request, index) => (index === 0 ? "no" : verdict(nonce)));
    const judge = llmJudge({ ...options, rubric: TINY });
    expect(await codeOf(judge(interaction(), {}))).toBe("SCORING_UNPARSABLE");
    expect(await codeOf(judge(interaction(), {}))).toBe("scored");
    const forgetful = llmJudge({ ...options, rubric: TINY, cache: false });
    await forgetful(interaction(), {});
    await forgetful(interaction(), {});
    expect(server.requests).toHaveLength(4);
  });

  it("may be the caller's own, and shared: another rubric or model is another case", async () => {
    const { options, server } = await fakeJudge((nonce) => verdict(nonce));
    const cache = judgeCache();
    for (const model of ["m", "n"]) {
      for (const rubric of [TINY, { ...TINY, task: "Another." }]) {
        for (let i = 0; i < 2; i++) await llmJudge({ ...options, model, rubric, cache })(interaction(), {});
      }
    }
    expect(server.requests).toHaveLength(4);
  });

  it("forgets what was used longest ago", async () => {
    const cache = judgeCache(2);
    await cache.set("a", "1");
    await cache.set("b", "2");
    await cache.get("a");
    await cache.set("c", "3");
    expect(["a", "b", "c"].map((key) => cache.get(key))).toEqual(["1", undefined, "3"]);
  });
});

describe("the budget", () => {
  it("ends a run when the tokens of the day are spent, and nothing is marked as failed", async () => {
    const { options, server } = await fakeJudge((nonce) => verdict(nonce));
    const store = await storeOf(20);
    const estimate = await llmJudge({ ...options, rubric: TINY }).estimate?.(interaction({ answer: "It is 0." }));
    const [input = 0, output = 0] = [estimate?.inputTokens, estimate?.outputTokens];
    // Room for the estimate of one call, and for what three calls really take before it.
    const budget = judgeBudget({ tokensPerDay: input + output + 3 * 15 + 5 });
    const report = await scoreInteractions(store, llmJudge({ ...options, rubric: TINY, budget }), { concurrency: 1 });
    expect(report).toMatchObject({ considered: 4, scored: 4, failed: 0, stoppedBy: { code: "SCORING_BUDGET" } });
    expect(server.requests).toHaveLength(4);
    expect(budget.spent()).toEqual({ inputTokens: 40, outputTokens: 20, costUsd: 0 });
    expect((await store.stats()).unscoredCount).toBe(16);
    expect((await store.get("i-9"))?.annotations).toBeUndefined();
  });

  it("counts calls under way, so that a burst does not run past it", async () => {
    const { options, server } = await fakeJudge((nonce) => verdict(nonce));
    const judge = llmJudge({
      ...options,
      rubric: TINY,
      price: { inputUsd: 0, outputUsd: 1_000 },
      budget: judgeBudget({ usdPerDay: 0.5 }),
    });
    // 150 tokens are expected of each, $0.15: three fit, whatever the five of the reply cost.
    const codes = await Promise.all(
      Array.from({ length: 8 }, (_, i) => codeOf(judge(interaction({ answer: `It is ${i}.` }), {}))),
    );
    expect(codes.filter((code) => code === "scored")).toHaveLength(3);
    expect(codes.filter((code) => code === "SCORING_BUDGET")).toHaveLength(5);
    expect(server.requests).toHaveLength(3);
  });

  it("survives a restart and is shared by what shares its folder", async () => {
    const folder = temporaryFolder();
    const { options } = await fakeJudge((nonce) => verdict(nonce));
    const [one, other] = [judgeBudget({ tokensPerDay: 1_000_000, folder }), judgeBudget({ tokensPerDay: 20, folder })];
    await llmJudge({ ...options, rubric: TINY, budget: one })(interaction(), {});
    await llmJudge({ ...options, rubric: TINY, budget: one })(interaction(), {});
    expect(other.spent()).toEqual({ inputTokens: 20, outputTokens: 10, costUsd: 0 });
    expect(await codeOf(llmJudge({ ...options, rubric: TINY, budget: other })(interaction(), {}))).toBe(
      "SCORING_BUDGET",
    );
  });

  it("begins again at midnight UTC", () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 0, 1, 23, 59) });
    onTestFinished(() => void vi.useRealTimers());
    const budget = judgeBudget({ tokensPerDay: 100 });
    budget.reserve({ inputTokens: 80, outputTokens: 20 }).settle({ inputTokens: 80, outputTokens: 20 });
    expect(() => budget.reserve({ inputTokens: 1, outputTokens: 0 })).toThrow("100 tokens a day is spent");
    vi.setSystemTime(Date.UTC(2026, 0, 2));
    expect(() => budget.reserve({ inputTokens: 1, outputTokens: 0 })).not.toThrow();
  });

  it.each([
    ["a refusal took nothing", { status: 401 }, 0],
    ["a time-out took its estimate", { misbehave: "silent" as const }, 150],
  ])("%s", async (_, reply, outputTokens) => {
    const { options } = await fakeJudge(() => reply);
    const budget = judgeBudget({ tokensPerDay: 1e6 });
    await codeOf(llmJudge({ ...options, rubric: TINY, budget, timeoutMs: 100 })(interaction(), {}));
    expect(budget.spent().outputTokens).toBe(outputTokens);
  });

  it.each([{}, { tokensPerDay: 0 }, { usdPerDay: -1 }, { usdPerDay: Number.NaN }])("refuses %o", (wrong) => {
    expect(() => judgeBudget(wrong)).toThrow(/budget has no limit|use a number above 0/);
  });
});

describe("concurrency", () => {
  it("is the judge's own limit, whoever asks", async () => {
    let [running, most] = [0, 0];
    const { options } = await fakeJudge(async (nonce) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 10));
      running -= 1;
      return verdict(nonce);
    });
    const judge = llmJudge({ ...options, rubric: TINY, concurrency: 3 });
    await Promise.all(Array.from({ length: 12 }, (_, i) => judge(interaction({ answer: `It is ${i}.` }), {})));
    expect(most).toBe(3);
  });

  it("an abort ends the wait for a turn, and the next in line gets it", async () => {
    const { options, server } = await fakeJudge(() => ({ misbehave: "silent" }));
    const judge = llmJudge({ ...options, rubric: TINY, concurrency: 1, timeoutMs: 150 });
    const busy = codeOf(judge(interaction(), {}));
    const controller = new AbortController();
    const waiting = judge(interaction({ answer: "121" }), { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    expect(await busy).toBe("SCORING_UNAVAILABLE");
    expect(await codeOf(judge(interaction({ answer: "122" }), {}))).toBe("SCORING_UNAVAILABLE");
    expect(server.requests).toHaveLength(2);
  });
});
