import { describe, expect, it, vi } from "vitest";
import { type BackgroundScoringOptions, backgroundScoring, type ScoredEvent } from "./background-scoring.js";
import { ConfigError, ScoringError, type WhetstoneError } from "./errors.js";
import { createInteractionLogger } from "./interaction-logger.js";
import { type Scorer, scorer } from "./scorer.js";
import { memoryStore } from "./stores/memory-store.js";
import { interaction } from "./testing/interaction.js";

/** On a busy machine. */
const PATIENTLY = { timeout: 60_000 };

const half = scorer("judge:m@r", () => ({ scores: { overall: 0.5 } }));
const input = (i: number) => ({ query: `What is ${i} + 1?`, answer: `${i + 1}`, agentType: "math" });

/** A store of so many records, and background scoring beside it. */
async function scoringOf(count: number, options: Omit<BackgroundScoringOptions, "scorer"> & { scorer?: Scorer } = {}) {
  const store = memoryStore();
  await store.append(Array.from({ length: count }, (_, i) => interaction({ interactionId: `i-${i}` })));
  const events: ScoredEvent[] = [];
  const errors: WhetstoneError[] = [];
  const scoring = backgroundScoring(
    store,
    { scorer: half, ...options },
    { onScored: (event) => events.push(event), onError: (error) => errors.push(error) },
  );
  const offerAll = () => {
    for (let i = 0; i < count; i++) scoring.offer(`i-${i}`);
  };
  return { store, scoring, events, errors, offerAll };
}

describe("a logger with scoring", () => {
  it("scores what it logs, tells with `scored`, and keeps books", async () => {
    const store = memoryStore();
    const logger = createInteractionLogger({ store, scoring: { scorer: half } });
    const events: ScoredEvent[] = [];
    logger.on("scored", (event) => events.push(event));
    const ids = [1, 2, 3].map((i) => logger.log(input(i)));
    await vi.waitFor(() => expect(events).toHaveLength(3), PATIENTLY);
    expect(events.map(({ interactionId }) => interactionId)).toEqual(ids);
    expect(events[0]).toMatchObject({ source: "judge:m@r", overall: 0.5 });
    expect((await store.stats()).unscoredCount).toBe(0);
    expect(logger.stats().scoring).toEqual({ waiting: 0, scored: 3, unscored: 0, failed: 0, skipped: 0 });
    await logger.close();
  });

  it("is never in the agent's way: a scorer that hangs, throws or blocks changes nothing for log, flush and close", async () => {
    const stuck: Scorer[] = [
      scorer("judge:m@r", () => new Promise<null>(() => {})),
      scorer("judge:m@r", () => {
        throw new Error("out of sorts");
      }),
    ];
    for (const bad of stuck) {
      const store = memoryStore();
      const logger = createInteractionLogger({ store, scoring: { scorer: bad }, onError: () => {} });
      for (let i = 0; i < 200; i++) logger.log(input(i));
      expect(await logger.flush()).toMatchObject({ stored: 200, pending: 0, dropped: 0 });
      const report = await logger.close({ timeoutMs: 200 });
      expect(report).toMatchObject({ stored: 200, dropped: 0 });
      expect((await store.stats()).totalInteractions).toBe(200);
    }
  });

  it("calls no scorer in the turn that logs", async () => {
    let calls = 0;
    const counting = scorer("judge:m@r", () => {
      calls += 1;
      return null;
    });
    const logger = createInteractionLogger({ store: memoryStore(), scoring: { scorer: counting } });
    logger.log(input(1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toBe(0);
    await vi.waitFor(() => expect(calls).toBe(1), PATIENTLY);
    await logger.close();
  });

  it.each([{ sample: 2 }, { concurrency: 0 }, { maxPerMinute: 0.5 }, { maxWaiting: -1 }, { scorer: {} as never }])(
    "refuses %o at once",
    (wrong) => {
      expect(() => createInteractionLogger({ store: memoryStore(), scoring: { scorer: half, ...wrong } })).toThrow(
        ConfigError,
      );
    },
  );
});

describe("backgroundScoring", () => {
  it("scores a sample", async () => {
    const { scoring, offerAll } = await scoringOf(1_000, { sample: 0.1, maxPerMinute: 10_000 });
    offerAll();
    expect(scoring.stats().waiting).toBeGreaterThan(50);
    expect(scoring.stats().waiting).toBeLessThan(170);
    await scoring.close(100);
  });

  it("never has more with the scorer than it may, nor more in a minute", async () => {
    let [running, most, calls] = [0, 0, 0];
    const slow = scorer("judge:m@r", async () => {
      calls += 1;
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
      return { scores: { overall: 1 } };
    });
    const { scoring, offerAll } = await scoringOf(50, { scorer: slow, concurrency: 3, maxPerMinute: 20 });
    offerAll();
    await vi.waitFor(() => expect(scoring.stats().scored).toBe(20), PATIENTLY);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([most, calls, scoring.stats().waiting]).toEqual([3, 20, 30]);
    await scoring.close(100);
    expect(scoring.stats()).toMatchObject({ waiting: 0, scored: 20, skipped: 30 });
  });

  it("holds a bounded number, and counts what it leaves to others", async () => {
    const { scoring, offerAll } = await scoringOf(100, { maxWaiting: 10 });
    offerAll();
    expect(scoring.stats()).toMatchObject({ waiting: 10, skipped: 90 });
    await scoring.close(0);
  });

  it("leaves alone what a person or a verifier has scored meanwhile", async () => {
    const { store, scoring, events, offerAll } = await scoringOf(2);
    await store.annotate([
      { interactionId: "i-0", kind: "score", source: "verifier:v", at: 1, scores: { overall: 1 } },
    ]);
    offerAll();
    await vi.waitFor(() => expect(scoring.stats()).toMatchObject({ scored: 1, skipped: 1 }), PATIENTLY);
    expect(events).toMatchObject([{ interactionId: "i-1" }]);
    await scoring.close(0);
  });

  it("keeps the reason of what failed with the interaction", async () => {
    const failing = scorer("judge:m@r", () => {
      throw new ScoringError("SCORING_UNPARSABLE", "no verdict");
    });
    const { store, scoring, offerAll } = await scoringOf(1, { scorer: failing });
    offerAll();
    await vi.waitFor(() => expect(scoring.stats().failed).toBe(1), PATIENTLY);
    expect((await store.get("i-0"))?.annotations).toMatchObject([{ kind: "unscored", code: "SCORING_UNPARSABLE" }]);
    await scoring.close(0);
  });

  it("waits for a record that is not stored yet, and for a budget", async () => {
    let budget = 0;
    const poor = scorer("judge:m@r", () => {
      if (budget++ === 0) throw new ScoringError("SCORING_BUDGET", "spent");
      return { scores: { overall: 1 } };
    });
    const { store, scoring, events } = await scoringOf(0, { scorer: poor });
    scoring.offer("late");
    await new Promise((resolve) => setTimeout(resolve, 200));
    await store.append([interaction({ interactionId: "late" })]);
    await vi.waitFor(() => expect(events).toHaveLength(1), PATIENTLY);
    expect(scoring.stats()).toEqual({ waiting: 0, scored: 1, unscored: 0, failed: 0, skipped: 0 });
    await scoring.close(0);
  });

  it("gives up on a scorer that is set up wrongly, and says so once", async () => {
    const wrong = scorer("judge:m@r", () => {
      throw new ConfigError("no key");
    });
    const { scoring, errors, offerAll } = await scoringOf(10, { scorer: wrong });
    offerAll();
    await vi.waitFor(() => expect(errors).toHaveLength(1), PATIENTLY);
    expect(errors[0]?.message).toBe("no key");
    scoring.offer("i-0");
    expect(scoring.stats().waiting).toBe(0);
  });
});
