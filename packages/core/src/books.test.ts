import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StoreError } from "./errors.js";
import { createInteractionLogger, type LoggerOptions } from "./interaction-logger.js";
import type { InteractionLogger } from "./logger.js";
import type { AppendStatus, InteractionStore, JournaledStore } from "./store.js";
import { fileStore } from "./stores/file-store.js";
import { memoryStore } from "./stores/memory-store.js";

/** What may happen to a logger, in any order. */
const step = fc.oneof(
  fc.record({ kind: fc.constant("log" as const), calls: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ kind: fc.constant("log one id" as const), id: fc.constantFrom("again-1", "again-2") }),
  fc.record({ kind: fc.constant("log nonsense" as const) }),
  fc.record({ kind: fc.constant("feedback" as const), id: fc.constantFrom("again-1", "nobody") }),
  fc.record({ kind: fc.constant("turn" as const) }),
  fc.record({ kind: fc.constant("flush" as const) }),
  fc.record({ kind: fc.constant("away" as const), away: fc.boolean() }),
);

interface Switched {
  readonly store: InteractionStore;
  /** Whether a batch may be sent again that was stored already. */
  readonly retries: boolean;
  away: boolean;
}

describe.each<[string, (folder: string) => Switched, LoggerOptions]>([
  ["the file store, journal", onDisk, { durability: "journal" }],
  ["the file store, sync", onDisk, { durability: "sync" }],
  ["the file store, dropOldest", onDisk, { overflow: "dropOldest" }],
  ["a store in memory", inMemory, { durability: "memory" }],
  ["a store elsewhere, with a spool", elsewhere, { durability: "journal" }],
])("the books of a logger on %s", (_name, open, options) => {
  it("balance at every instant, whatever happens in whatever order, and all that was kept is stored once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const folder = mkdtempSync(join(tmpdir(), "whetstone-books-"));
        const place = open(folder);
        const spoolDirectory = join(folder, "spool");
        const logger = createInteractionLogger({
          store: place.store,
          spoolDirectory,
          maxQueue: 60,
          onError() {},
          ...options,
        });
        try {
          for (const what of steps) {
            if (what.kind === "log") for (let n = 0; n < what.calls; n++) logger.log(asked);
            if (what.kind === "log one id") logger.log({ ...asked, interactionId: what.id });
            if (what.kind === "log nonsense") logger.log(null as never);
            if (what.kind === "feedback") logger.feedback(what.id, { type: "boolean", value: true });
            if (what.kind === "away") place.away = what.away;
            if (what.kind === "turn") await nextTurn();
            if (what.kind === "flush") await logger.flush({ timeoutMs: 2 });
            expectBalanced(logger);
          }
          place.away = false;
          const { pending, stored } = await logger.flush();
          expectBalanced(logger);
          expect(pending).toBe(0);
          const ids: string[] = [];
          for await (const batch of place.store.query()) ids.push(...batch.map(({ interactionId }) => interactionId));
          expect(new Set(ids).size).toBe(ids.length);
          // Behind a try that failed nobody can tell an id that was logged twice from the record's own first copy.
          const repeated = place.retries ? steps.filter(({ kind }) => kind === "log one id").length : 0;
          expect(ids.length).toBeLessThanOrEqual(stored);
          expect(ids.length).toBeGreaterThanOrEqual(stored - repeated);
        } finally {
          await logger.close({ timeoutMs: 0 });
          await place.store.close();
          rmSync(folder, { recursive: true, force: true });
        }
      }),
      { numRuns: 25 },
    );
  });
});

const asked = { query: "What is 6 * 7?", answer: "42", agentType: "math" };

function expectBalanced(logger: InteractionLogger): void {
  const { offered, stored, duplicate, queued, spooled, dropped, feedback } = logger.stats();
  const gone = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  expect(stored + duplicate + queued + spooled + gone).toBe(offered);
  expect(feedback.stored + feedback.queued + feedback.dropped).toBe(feedback.offered);
}

const broken = new StoreError("STORE_UNAVAILABLE", "the store is away");

function onDisk(folder: string): Switched {
  const store = fileStore(join(folder, "store"));
  const place: Switched & { readonly store: JournaledStore } = {
    away: false,
    retries: false,
    store: {
      ...store,
      appendSync: (interactions, options) =>
        place.away ? { statuses: [] as AppendStatus[], error: broken } : store.appendSync(interactions, options),
    },
  };
  return place;
}

function inMemory(): Switched {
  const store = memoryStore();
  const place: Switched = {
    away: false,
    retries: true,
    store: { ...store, append: async (some) => (place.away ? Promise.reject(broken) : store.append(some)) },
  };
  return place;
}

/** Not a `memory:` URL: what is away from this process has a spool in front. */
function elsewhere(): Switched {
  const { store, ...place } = inMemory();
  const remote: Switched = {
    ...place,
    store: {
      ...store,
      url: "elsewhere://store",
      append: async (some) => (remote.away ? Promise.reject(broken) : store.append(some)),
    },
  };
  return remote;
}
