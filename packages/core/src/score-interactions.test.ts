import { describe, expect, it } from "vitest";
import { type Annotation, effectiveScore } from "./annotation.js";
import { ConfigError, ScoringError, StoreError } from "./errors.js";
import type { Interaction } from "./interaction.js";
import { scoreInteractions } from "./score-interactions.js";
import { type Score, scorer } from "./scorer.js";
import { mathVerifier } from "./scorers/math-verifier.js";
import type { InteractionStore } from "./store.js";
import { memoryStore } from "./stores/memory-store.js";
import { interaction } from "./testing/interaction.js";

const half = scorer("judge:m@r", () => ({ scores: { overall: 0.5 }, rationale: "so so" }));
const pause = (ms = 1) => new Promise((resolve) => setTimeout(resolve, ms));

async function storeOf(count: number, given: (index: number) => Partial<Interaction> = () => ({})) {
  const store = memoryStore();
  const records = Array.from({ length: count }, (_, index) =>
    interaction({ interactionId: `i-${index}`, timestamp: 1_700_000_000_000 + index, ...given(index) }),
  );
  for (let start = 0; start < count; start += 1000) await store.append(records.slice(start, start + 1000));
  return store;
}

async function deciding(store: InteractionStore, id: string) {
  const stored = await store.get(id);
  const score = stored && effectiveScore(stored);
  return score && `${score.source} ${score.overall}`;
}

describe("scoreInteractions", () => {
  it("stores a score, its source and its reason for every interaction", async () => {
    const store = await storeOf(600);
    const report = await scoreInteractions(store, half);
    const usage = { calls: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 };
    const counts = { considered: 600, scored: 600, skipped: 0, unscored: 0, failed: 0, usage };
    expect(report).toEqual({ ...counts, failures: [], stoppedBy: null });
    expect((await store.stats()).unscoredCount).toBe(0);
    const [annotation] = (await store.get("i-599"))?.annotations ?? [];
    expect(annotation).toMatchObject({
      kind: "score",
      source: "judge:m@r",
      scores: { overall: 0.5 },
      rationale: "so so",
    });
  });

  it("does nothing the second time", async () => {
    const store = await storeOf(3);
    await scoreInteractions(store, half);
    expect(await scoreInteractions(store, half)).toMatchObject({ considered: 3, scored: 0, skipped: 3 });
  });

  it("lets a verifier override judges, heuristics and logged scores, but a judge no verifier and no person", async () => {
    const given = { reference: "120", answer: "A: 120" };
    const store = await storeOf(5, (index) => (index === 1 ? { ...given, qualityScores: { overall: 0.9 } } : given));
    const facts: Annotation[] = [
      { interactionId: "i-2", kind: "score", source: "heuristic:v1", at: 1, scores: { overall: 0 } },
      { interactionId: "i-3", kind: "score", source: "verifier:mine", at: 1, scores: { overall: 0 } },
      {
        interactionId: "i-4",
        kind: "feedback",
        source: "human:ada",
        at: 1,
        feedback: { type: "boolean", value: false },
      },
    ];
    await store.annotate(facts);
    expect(await scoreInteractions(store, half)).toMatchObject({ scored: 3, skipped: 2 });
    expect(await scoreInteractions(store, mathVerifier())).toMatchObject({ scored: 3, skipped: 2 });
    expect(await Promise.all(["i-0", "i-1", "i-2", "i-3", "i-4"].map((id) => deciding(store, id)))).toEqual([
      "verifier:math 1",
      "verifier:math 1",
      "verifier:math 1",
      "verifier:mine 0",
      "human:ada 0",
    ]);
    expect(await scoreInteractions(store, half)).toMatchObject({ scored: 0, skipped: 5 });
  });

  it("scores again when told to", async () => {
    const store = await storeOf(2);
    await scoreInteractions(store, half);
    const better = scorer("judge:m@r", () => ({ scores: { overall: 0.75 } }));
    expect(await scoreInteractions(store, better, { rescore: true })).toMatchObject({ scored: 2, skipped: 0 });
    expect(await deciding(store, "i-1")).toBe("judge:m@r 0.75");
  });

  it("leaves unscored what the scorer cannot say", async () => {
    const store = await storeOf(4, (index) => (index % 2 === 0 ? { reference: "120" } : {}));
    expect(await scoreInteractions(store, mathVerifier())).toMatchObject({ scored: 2, unscored: 2, failed: 0 });
    expect((await store.stats()).unscoredCount).toBe(2);
    expect(await deciding(store, "i-1")).toBeNull();
  });

  it("counts what fails, names the first few and goes on", async () => {
    const store = await storeOf(20);
    const moody = scorer("judge:m@r", ({ interactionId }) => {
      if (interactionId === "i-19") return { scores: { overall: 0.5 } };
      throw new Error("out of sorts");
    });
    const report = await scoreInteractions(store, moody);
    expect(report).toMatchObject({ considered: 20, scored: 1, failed: 19 });
    expect(report.failures).toHaveLength(5);
    expect(report.failures[0]).toEqual({ interactionId: "i-0", code: "SCORING_FAILED", reason: "out of sorts" });
    expect((await store.stats()).unscoredCount).toBe(19);
  });

  it.each<[string, unknown]>([
    ["1e999", { scores: { overall: Infinity } }],
    ["NaN", { scores: { overall: Number.NaN } }],
    ["a text", { scores: { overall: "0.9" } }],
    ["no overall", { scores: { quality: 0.9 } }],
    ["another score above 1", { scores: { overall: 1, quality: 2 } }],
    ["no scores", {}],
  ])("counts a scorer that answers %s as failed", async (_, answer) => {
    const store = await storeOf(1);
    const odd = scorer("judge:m@r", () => answer as Score);
    expect(await scoreInteractions(store, odd)).toMatchObject({ scored: 0, failed: 1 });
    expect((await store.stats()).unscoredCount).toBe(1);
  });

  it("heeds the filter and the limit", async () => {
    const store = await storeOf(10, (index) => ({ agentType: index < 5 ? "code" : "math" }));
    expect(await scoreInteractions(store, half, { filter: { agentTypes: ["code"] }, limit: 3 })).toMatchObject({
      scored: 3,
    });
    expect((await store.stats({ agentTypes: ["math"] })).unscoredCount).toBe(5);
    expect(await scoreInteractions(store, half, { limit: 0 })).toMatchObject({ scored: 0 });
    // What is skipped does not use up the limit.
    expect(await scoreInteractions(store, half, { limit: 4 })).toMatchObject({ scored: 4, skipped: 3 });
  });

  it("keeps the set number under way", async () => {
    const store = await storeOf(200);
    let [running, most] = [0, 0];
    const slow = scorer("judge:m@r", async () => {
      running += 1;
      most = Math.max(most, running);
      await pause();
      running -= 1;
      return { scores: { overall: 0.5 } };
    });
    await scoreInteractions(store, slow, { concurrency: 40 });
    expect(most).toBe(40);
  });

  it("never waits for a whole batch: one slow call holds up no other", async () => {
    const store = await storeOf(600);
    let started = 0;
    let lastStarted: () => void = () => {};
    const allStarted = new Promise<void>((resolve) => {
      lastStarted = resolve;
    });
    const firstIsSlow = scorer("judge:m@r", async ({ interactionId }) => {
      started += 1;
      if (started === 600) lastStarted();
      if (interactionId === "i-0") await allStarted;
      return { scores: { overall: 0.5 } };
    });
    expect(await scoreInteractions(store, firstIsSlow, { concurrency: 2 })).toMatchObject({ scored: 600 });
  });

  it("reads one batch ahead of what it scores, and no further", async () => {
    const inner = await storeOf(5000);
    let read = 0;
    let done = 0;
    let furthest = 0;
    const store: InteractionStore = {
      ...inner,
      async *query(options) {
        for await (const batch of inner.query(options)) {
          read += batch.length;
          furthest = Math.max(furthest, read - done);
          yield batch;
        }
      },
    };
    const slow = scorer("judge:m@r", async () => {
      await Promise.resolve();
      done += 1;
      return { scores: { overall: 0.5 } };
    });
    await scoreInteractions(store, slow, { concurrency: 10 });
    expect(done).toBe(5000);
    expect(furthest).toBeLessThanOrEqual(2 * 256 + 10);
  });

  it("tells of its progress, and the last word is the report", async () => {
    const store = await storeOf(5);
    const seen: number[] = [];
    await scoreInteractions(store, half, { concurrency: 1, onProgress: ({ scored }) => seen.push(scored) });
    expect(seen).toEqual([1, 2, 3, 4, 5, 5]);
  });

  it("writes in batches", async () => {
    const inner = await storeOf(200);
    const sizes: number[] = [];
    const store: InteractionStore = {
      ...inner,
      annotate(facts) {
        sizes.push(facts.length);
        return inner.annotate(facts);
      },
    };
    await scoreInteractions(store, half);
    expect(sizes).toEqual([64, 64, 64, 8]);
  });

  it("counts an interaction that is gone by now as failed", async () => {
    const inner = await storeOf(2);
    const store: InteractionStore = { ...inner, annotate: async (facts) => facts.map(() => "notFound") };
    const report = await scoreInteractions(store, half);
    expect(report).toMatchObject({ scored: 0, failed: 2 });
    expect(report.failures[0]?.reason).toContain("no longer in the store");
  });
});

describe("scoreInteractions ends early", () => {
  it("when aborted, even if the scorer does not listen, and keeps the scores so far", async () => {
    const store = await storeOf(10);
    const controller = new AbortController();
    const stuck = scorer("judge:m@r", ({ interactionId }) => {
      if (interactionId !== "i-5") return { scores: { overall: 0.5 } };
      setTimeout(() => controller.abort(new Error("enough")), 5);
      return new Promise<null>(() => {});
    });
    const run = scoreInteractions(store, stuck, { concurrency: 1, signal: controller.signal });
    await expect(run).rejects.toThrow("enough");
    expect((await store.stats()).unscoredCount).toBe(5);
  });

  it("when the endpoint is gone: after so many failures in a row the rest is left untouched", async () => {
    const store = await storeOf(500);
    const down = scorer("judge:m@r", () => {
      throw new ScoringError("SCORING_UNAVAILABLE", "nobody answers");
    });
    const report = await scoreInteractions(store, down, { concurrency: 4 });
    expect(report.stoppedBy?.code).toBe("SCORING_UNAVAILABLE");
    expect(report.stoppedBy?.reason).toMatch(/25 .*in a row.*nobody answers/);
    expect(report.failed).toBeGreaterThanOrEqual(25);
    expect(report.failed).toBeLessThan(25 + 4);
    let marked = 0;
    for await (const batch of store.query({})) marked += batch.filter(({ annotations = [] }) => annotations[0]).length;
    expect(marked).toBe(report.failed);
  });

  it("not while some calls get through, nor for failures that are an answer's own", async () => {
    const flaky = (code: "SCORING_UNAVAILABLE" | "SCORING_UNPARSABLE", every: number) => {
      let calls = 0;
      return scorer("judge:m@r", () => {
        calls += 1;
        if (calls % every === 0) return { scores: { overall: 0.5 } };
        throw new ScoringError(code, "no");
      });
    };
    const often = await scoreInteractions(await storeOf(200), flaky("SCORING_UNAVAILABLE", 20));
    expect(often).toMatchObject({ scored: 10, failed: 190, stoppedBy: null });
    const never = await scoreInteractions(await storeOf(200), flaky("SCORING_UNPARSABLE", 1000));
    expect(never).toMatchObject({ scored: 0, failed: 200, stoppedBy: null });
  });

  it("when aborted before it begins", async () => {
    const store = await storeOf(1);
    await expect(scoreInteractions(store, half, { signal: AbortSignal.abort(new Error("no")) })).rejects.toThrow("no");
  });

  it("hands the scorer a signal that aborts with the run", async () => {
    const store = await storeOf(1);
    const controller = new AbortController();
    let told = false;
    const listening = scorer("judge:m@r", (_, { signal }) => {
      signal?.addEventListener("abort", () => {
        told = true;
      });
      setTimeout(() => controller.abort(new Error("enough")), 5);
      return new Promise<null>(() => {});
    });
    await expect(scoreInteractions(store, listening, { signal: controller.signal })).rejects.toThrow("enough");
    expect(told).toBe(true);
  });

  it("when the store fails", async () => {
    const inner = await storeOf(3);
    const failure = new StoreError("STORE_UNAVAILABLE", "gone");
    const store: InteractionStore = { ...inner, annotate: () => Promise.reject(failure) };
    await expect(scoreInteractions(store, half)).rejects.toBe(failure);
    const unreadable: InteractionStore = {
      ...inner,
      query: () => {
        throw failure;
      },
    };
    await expect(scoreInteractions(unreadable, half)).rejects.toBe(failure);
  });

  it("when the scorer is set up wrongly, which no other interaction would heal", async () => {
    const store = await storeOf(100);
    let calls = 0;
    const wrong = scorer("judge:m@r", () => {
      calls += 1;
      throw new ConfigError("no key");
    });
    await expect(scoreInteractions(store, wrong, { concurrency: 2 })).rejects.toThrow("no key");
    expect(calls).toBeLessThanOrEqual(2);
  });

  it.each([{ concurrency: 0 }, { concurrency: 1.5 }, { limit: -1 }, { limit: Number.NaN }])(
    "for the option %o",
    async (wrong) => {
      await expect(scoreInteractions(memoryStore(), half, wrong)).rejects.toThrow(ConfigError);
    },
  );

  it("for a source that ranks nowhere", async () => {
    await expect(
      scoreInteractions(
        memoryStore(),
        scorer("mine", () => null),
      ),
    ).rejects.toThrow('source is "mine"');
  });
});
