import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { StoreError } from "./errors.js";
import { type Interaction, interactionSchema } from "./interaction.js";
import { createInteractionLogger } from "./interaction-logger.js";
import type { InteractionLogger, LoggerStats } from "./logger.js";
import type { AppendStatus, InteractionStore, JournaledStore } from "./store.js";
import { fileStore } from "./stores/file-store.js";
import { memoryStore } from "./stores/memory-store.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "whetstone-logger-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

const quiet = { onError: () => undefined };
const asked = (n: number) => ({ query: `What is ${n} + 1?`, answer: `${n + 1}`, agentType: "math" });

function expectBalanced(stats: LoggerStats): void {
  const dropped = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0);
  expect(stats.stored + stats.duplicate + stats.queued + stats.spooled + dropped).toBe(stats.offered);
}

async function all(store: InteractionStore): Promise<Interaction[]> {
  const found: Interaction[] = [];
  for await (const batch of store.query()) found.push(...batch);
  return found;
}

describe.each([
  ["the file store", () => fileStore(folder)],
  ["the memory store", () => memoryStore()],
])("a logger on %s", (_name, open) => {
  let store: InteractionStore;
  let logger: InteractionLogger;
  beforeEach(() => {
    store = open();
    logger = createInteractionLogger({ store });
  });
  afterEach(async () => {
    await logger.close();
    await store.close();
  });

  it("stores what was logged, in order, as valid records", async () => {
    const ids = Array.from({ length: 1_000 }, (_, n) => logger.log(asked(n)));
    expectBalanced(logger.stats());
    const report = await logger.flush();
    expect(report).toEqual({ stored: 1_000, pending: 0, dropped: 0 });
    const found = await all(store);
    expect(found.map(({ query }) => query)).toEqual(ids.map((_, n) => asked(n).query));
    for (const record of found) interactionSchema.parse(record);
    expectBalanced(logger.stats());
  });

  it("returns before anything is written, and later changes to the input change nothing", async () => {
    const metadata = { step: "first", list: [1, 2] };
    const input = { ...asked(1), metadata };
    const id = logger.log(input);
    expect(logger.stats().stored).toBe(0);
    metadata.step = "changed";
    metadata.list.push(3);
    input.answer = "changed";
    await logger.flush();
    const record = await store.get(id);
    expect(record?.answer).toBe("2");
    expect(record?.metadata).toEqual({ step: "first", list: [1, 2] });
  });

  it("stores a record once, however often its id is logged", async () => {
    for (let i = 0; i < 3; i++) logger.log({ ...asked(1), interactionId: "mine" });
    await logger.flush();
    logger.log({ ...asked(1), interactionId: "mine" });
    await logger.flush();
    expect((await all(store)).length).toBe(1);
    expect(logger.stats()).toMatchObject({ offered: 4, stored: 1, duplicate: 3 });
  });

  it("keeps feedback behind the record it speaks of", async () => {
    const id = logger.log(asked(1));
    logger.feedback(id, { type: "boolean", value: true }, { source: "human:ada" });
    logger.feedback(id, { type: "demonstration", value: "two" });
    logger.feedback("nobody", { type: "boolean", value: true });
    logger.feedback(id, { type: "rating", value: 17 });
    await logger.flush();
    expect((await store.get(id))?.annotations?.map(({ source }) => source)).toEqual(["human:ada", "human:user"]);
    expect(logger.stats().feedback).toEqual({ offered: 4, stored: 2, queued: 0, dropped: 2 });
  });

  it("flushes what was logged before, also while another flush runs", async () => {
    for (let n = 0; n < 200; n++) logger.log(asked(n));
    const first = logger.flush();
    await nextTurn();
    for (let n = 200; n < 400; n++) logger.log(asked(n));
    const [, second] = await Promise.all([first, logger.flush()]);
    expect(second.stored).toBe(400);
  });

  it("refuses what comes after close, and counts it", async () => {
    logger.log(asked(1));
    expect(await logger.close()).toEqual({ stored: 1, pending: 0, dropped: 0 });
    logger.log(asked(2));
    expect(logger.stats().dropped).toEqual({ closed: 1 });
    expect(logger.health().status).toBe("closed");
    expectBalanced(logger.stats());
  });

  it("never throws, whatever is handed in, and counts what it cannot read", async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const hostile = [
      null,
      undefined,
      7,
      "text",
      [],
      {},
      proxy,
      {
        get query() {
          throw new Error("no");
        },
      },
    ];
    for (const value of hostile) expect(typeof logger.log(value as never)).toBe("string");
    expect(logger.stats().dropped).toEqual({ unreadable: hostile.length });
    expectBalanced(logger.stats());
  });

  it("tells of stored and dropped records, and survives a listener that throws", async () => {
    let stored = 0;
    const drops: string[] = [];
    logger.on("stored", ({ count }) => {
      stored += count;
      throw new Error("a listener's own trouble");
    });
    logger.on("dropped", ({ reason }) => drops.push(reason));
    logger.log(asked(1));
    logger.log(null as never);
    await logger.flush();
    expect(stored).toBe(1);
    expect(drops).toEqual(["unreadable"]);
  });
});

it("survives a store that throws whatever it likes, in every mode", async () => {
  for (const durability of ["journal", "sync", "memory"] as const) {
    const store = {
      ...fileStore(folder),
      appendSync: () => {
        throw new TypeError("not a store's error");
      },
      append: () => {
        throw new TypeError("not a store's error");
      },
    };
    const logger = createInteractionLogger({ store: store as unknown as JournaledStore, durability, ...quiet });
    expect(logger.log(asked(1))).toMatch(/^[0-9a-f-]{36}$/);
    expect((await logger.flush({ timeoutMs: 30 })).pending).toBe(1);
    expect(logger.health().reasons.join()).toContain("not a store's error");
    expectBalanced(logger.stats());
    await logger.close({ timeoutMs: 0 });
  }
});

it("survives a clock that tells no time", async () => {
  const store = fileStore(folder);
  const logger = createInteractionLogger({ store, ...quiet });
  const clock = vi.spyOn(Date, "now").mockReturnValue(Number.NaN);
  const id = logger.log(asked(1));
  clock.mockRestore();
  expect((await logger.flush()).stored).toBe(1);
  expect((await store.get(id))?.timestamp).toBe(0);
  await logger.close();
});

it("neither throws nor rejects for odd arguments, and keeps its books", async () => {
  const logger = createInteractionLogger({ store: memoryStore(), ...quiet });
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const odd = [
    null,
    true,
    proxy,
    {
      get type() {
        throw new Error("touched");
      },
    },
    { type: "rating", value: 2 },
  ];
  for (const feedback of odd) logger.feedback("x", feedback as never, null as never);
  logger.feedback("x", { type: "boolean", value: true }, { source: "alice" });
  expect(logger.stats().feedback).toEqual({ offered: 6, stored: 0, queued: 0, dropped: 6 });
  logger.log(asked(1));
  for (const timeoutMs of [Infinity, 2 ** 40, Number.NaN, "5000"]) {
    expect(await logger.flush({ timeoutMs: timeoutMs as number })).toMatchObject({ stored: 1, pending: 0 });
  }
  await logger.flush(null as never);
  await logger.close(null as never);
});

it("tells once that its queue is full, and that feedback is none", async () => {
  const onError = vi.fn();
  const logger = createInteractionLogger({ store: `file:${folder}`, maxQueue: 10, onError });
  for (let n = 0; n < 100; n++) logger.log(asked(n));
  logger.feedback("x", 7 as never);
  logger.feedback("x", 8 as never);
  expect(onError.mock.calls.map(([error]) => error.code)).toEqual(["QUEUE_FULL", "FEEDBACK_INVALID"]);
  await logger.close();
});

it("does not wait for a store that is closed", async () => {
  const store = fileStore(folder);
  const logger = createInteractionLogger({ store, ...quiet });
  await store.close();
  logger.log(asked(1));
  expect(await logger.close({ timeoutMs: 60_000 })).toEqual({ stored: 0, pending: 1, dropped: 0 });
});

it("writes before log returns in sync mode", async () => {
  const store = fileStore(folder);
  const logger = createInteractionLogger({ store, durability: "sync" });
  const id = logger.log(asked(1));
  expect(logger.stats().stored).toBe(1);
  const other = fileStore(folder);
  expect((await other.get(id))?.answer).toBe("2");
  await Promise.all([logger.close(), store.close(), other.close()]);
});

it("is an async disposable", async () => {
  const store = memoryStore();
  {
    await using logger = createInteractionLogger({ store });
    logger.log(asked(1));
  }
  expect((await store.stats()).totalInteractions).toBe(1);
});

it("opens and closes the store of a URL by itself", async () => {
  const logger = createInteractionLogger({ store: `file:${folder}` });
  const id = logger.log(asked(1));
  await logger.close();
  const store = fileStore(folder);
  expect((await store.get(id))?.query).toBe(asked(1).query);
  await store.close();
});

it("takes nothing with WHETSTONE_DISABLED, and makes no folder", async () => {
  vi.stubEnv("WHETSTONE_DISABLED", "1");
  const logger = createInteractionLogger({ store: `file:${folder}/none` });
  expect(logger.log(asked(1))).toMatch(/^[0-9a-f-]{36}$/);
  await logger.close();
  expect(logger.stats().dropped).toEqual({ disabled: 1 });
  expect(existsSync(`${folder}/none`)).toBe(false);
});

it("refuses wrong options at once", () => {
  expect(() => createInteractionLogger({ store: "mysql://x" })).toThrow(/no store is known for "mysql:\/\/x"/);
  expect(() => createInteractionLogger({ store: memoryStore(), maxQueue: 0 })).toThrow(/maxQueue is 0/);
  expect(() => createInteractionLogger({ store: memoryStore(), maxQueue: 1.5 })).toThrow(/maxQueue is 1.5/);
  for (const store of [null, 5, {}]) {
    expect(() => createInteractionLogger({ store: store as never })).toThrow(/neither a store nor a URL/);
  }
  expect(() => createInteractionLogger({ store: memoryStore(), durability: "sync" })).toThrow(/durability "sync"/);
  expect(() => createInteractionLogger({ store: memoryStore(), overflow: "block" as never })).toThrow(/overflow/);
});

describe("while the store fails", () => {
  it("keeps what fits, drops by the policy, and stores the rest when the store is back", async () => {
    for (const overflow of ["dropNewest", "dropOldest"] as const) {
      const store = failingStore();
      const logger = createInteractionLogger({ store, maxQueue: 100, overflow, onError: () => undefined });
      const told: string[] = [];
      logger.on("degraded", ({ reason }) => told.push(reason));
      logger.on("recovered", () => told.push("recovered"));
      store.failing = true;
      for (let n = 0; n < 250; n++) {
        logger.log(asked(n));
        if (n % 50 === 0) await nextTurn();
        expectBalanced(logger.stats());
      }
      expect(await logger.flush({ timeoutMs: 30 })).toEqual({ stored: 0, pending: 100, dropped: 150 });
      expect(logger.health()).toEqual({ status: "degraded", reasons: ["the disk is away"] });
      store.failing = false;
      expect(await logger.flush()).toEqual({ stored: 100, pending: 0, dropped: 150 });
      expect(told).toEqual(["the disk is away", "recovered"]);
      const kept = (await all(store)).map(({ query }) => query);
      if (overflow === "dropNewest") expect(kept).toEqual(Array.from({ length: 100 }, (_, n) => asked(n).query));
      else expect(kept.slice(-50)).toEqual(Array.from({ length: 50 }, (_, n) => asked(n + 200).query));
      expectBalanced(logger.stats());
      console.log(
        `${overflow}: offered 250, stored ${logger.stats().stored}, dropped ${logger.stats().dropped.queueFull}`,
      );
      await logger.close();
    }
  });

  it("stores what a half-written batch left, once", async () => {
    const store = failingStore();
    const logger = createInteractionLogger({ store, onError: () => undefined });
    store.failAfter = 5;
    for (let n = 0; n < 40; n++) logger.log(asked(n));
    await logger.flush();
    expect((await all(store)).map(({ query }) => query)).toEqual(Array.from({ length: 40 }, (_, n) => asked(n).query));
    await logger.close();
  });

  it("holds no more bytes than it may", () => {
    const store = failingStore();
    store.failing = true;
    const logger = createInteractionLogger({ store, maxQueueBytes: 100_000, onError: () => undefined });
    for (let n = 0; n < 50; n++) logger.log({ ...asked(n), answer: "x".repeat(10_000) });
    const stats = logger.stats();
    expect(stats.queuedBytes).toBeLessThanOrEqual(100_000);
    expect(stats.queued).toBeGreaterThan(5);
    expectBalanced(stats);
  });

  it.each(["memory", "journal"] as const)(
    "flush and close end in time while the store hangs, and say what waits: %s",
    async (durability) => {
      const store: InteractionStore = {
        ...memoryStore(),
        url: "elsewhere://hangs",
        append: () => new Promise(() => undefined),
      };
      const logger = createInteractionLogger({ store, durability, spoolDirectory: join(folder, "spool"), ...quiet });
      for (let n = 0; n < 500; n++) logger.log(asked(n));
      const started = performance.now();
      const flushes = await Promise.all([logger.flush({ timeoutMs: 200 }), logger.flush({ timeoutMs: 100 })]);
      const flushed = performance.now();
      expect(flushes).toEqual(Array(2).fill({ stored: 0, pending: 500, dropped: 0 }));
      expect(await logger.close({ timeoutMs: 150 })).toEqual({ stored: 0, pending: 500, dropped: 0 });
      const closed = performance.now();
      console.log(
        `a store that hangs, ${durability}: offered 500, stored 0, pending 500; flush of 200 ms ended ` +
          `${Math.round(flushed - started - 200)} ms late, close of 150 ms ${Math.round(closed - flushed - 150)} ms`,
      );
    },
  );

  it("tells onError once for each change for the worse", async () => {
    const store = failingStore();
    const onError = vi.fn();
    const logger = createInteractionLogger({ store, onError });
    store.failing = true;
    for (let n = 0; n < 20; n++) logger.log(asked(n));
    await logger.flush({ timeoutMs: 400 });
    expect(onError).toHaveBeenCalledOnce();
    expect(onError.mock.calls[0]?.[0]).toBeInstanceOf(StoreError);
    await logger.close({ timeoutMs: 10 });
  });
});

it.skipIf(process.getuid?.() === 0)("goes on in memory where the folder is read-only", async () => {
  chmodSync(folder, 0o500);
  const logger = createInteractionLogger({ store: `file:${folder}/store`, onError: () => undefined });
  logger.log(asked(1));
  expect((await logger.flush({ timeoutMs: 50 })).pending).toBe(1);
  expect(logger.health().status).toBe("degraded");
  chmodSync(folder, 0o700);
  expect((await logger.flush()).stored).toBe(1);
  await logger.close();
});

it("leaves one segment and one index for a day's records of one writer", async () => {
  const logger = createInteractionLogger({ store: `file:${folder}` });
  for (let n = 0; n < 1_500; n++) logger.log({ ...asked(n), timestamp: Date.UTC(2026, 2, 1) });
  await logger.close();
  expect(readdirSync(`${folder}/2026-03-01`).length).toBe(2);
});

/** A file store whose disk can be taken away. */
function failingStore(): JournaledStore & { failing: boolean; failAfter: number } {
  const store = fileStore(folder);
  const away = new StoreError("STORE_FULL", "the disk is away");
  return {
    ...store,
    failing: false,
    failAfter: Infinity,
    appendSync(interactions, options) {
      if (this.failing) return { statuses: [] as AppendStatus[], error: away };
      if (this.failAfter < interactions.length) {
        const { statuses } = store.appendSync(interactions.slice(0, this.failAfter), options);
        this.failAfter = Infinity;
        return { statuses, error: away };
      }
      return store.appendSync(interactions, options);
    },
  };
}
