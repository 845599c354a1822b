import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "vitest";
import { type Annotation, effectiveScore, type StoredInteraction } from "../annotation.js";
import { calibrationOf } from "../calibration-of.js";
import { DAY_MS } from "../day.js";
import { ConfigError, StoreError } from "../errors.js";
import type { Interaction } from "../interaction.js";
import { promptKey } from "../prompt-key.js";
import { cursorAfter, type IndexBatch, IndexFlag, type InteractionStore, type QueryOptions } from "../store.js";
import { interaction } from "./interaction.js";

export interface TestStoreOptions {
  /** Tests that this store cannot pass, each title with its reason. They are shown as skipped. */
  readonly skip?: Readonly<Record<string, string>>;
  /** Opens the same place again, for stores that survive a restart. */
  readonly reopen?: (store: InteractionStore) => Promise<InteractionStore>;
  /** Makes the place as it was before the test. */
  readonly cleanUp?: (store: InteractionStore) => Promise<void>;
}

/**
 * The contract of a store, as tests (vitest): every store of ours passes it, and a store of your own should.
 * `open` gives a new and empty store each time.
 */
export function testStore(name: string, open: () => Promise<InteractionStore>, options: TestStoreOptions = {}): void {
  const { skip = {}, reopen, cleanUp } = options;
  describe(`${name} keeps the contract of a store`, () => {
    let store: InteractionStore;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(async () => {
      await store.close();
      await cleanUp?.(store);
    });
    const test = (title: string, body: () => Promise<void>) => {
      const reason = skip[title];
      if (reason === undefined) it(title, body);
      else it.skip(`${title} (${reason})`, body);
    };

    test("gives back what it was given, to the last field", async () => {
      const full = fullInteraction();
      assert.deepEqual(await store.append([full]), ["stored"]);
      assert.deepEqual(await store.get(full.interactionId), full);
    });

    test("keeps the newest calibration of each source, also when interactions are cleaned up", async () => {
      assert.deepEqual(await store.calibrations(), []);
      const judged = [
        { human: "good", scorer: "good" },
        { human: "bad", scorer: "good" },
      ];
      const older = await calibrationOf("judge:model@rubric-v1", judged, { at: T0 });
      const newer = await calibrationOf("judge:model@rubric-v1", [...judged, { human: "bad", scorer: "bad" }], {
        at: T0 + 1,
      });
      const other = await calibrationOf("heuristic:v1", judged, { at: T0 });
      for (const calibration of [older, other, newer]) await store.saveCalibration(calibration);
      await store.deleteBefore(T0 + 9 * DAY_MS);
      assert.deepEqual(await store.calibrations(), [other, newer]);
    });

    test("knows nothing of an id that was never stored", async () => {
      assert.equal(await store.get("nobody"), null);
      assert.equal(await store.get(interaction().interactionId), null);
    });

    test("stores a repeated id once, and the first record stays", async () => {
      const first = interaction({ answer: "first" });
      const again = { ...first, answer: "second" };
      assert.deepEqual(await store.append([first, again]), ["stored", "duplicate"]);
      assert.deepEqual(await store.append([again]), ["duplicate"]);
      assert.equal((await store.get(first.interactionId))?.answer, "first");
      const twice = interaction({ interactionId: "twice" });
      assert.deepEqual(await store.append([twice, first, twice]), ["stored", "duplicate", "duplicate"]);
      assert.equal((await store.stats()).totalInteractions, 2);
    });

    test("stores a caller's own id once, whatever day it is given for", async () => {
      const first = interaction({ interactionId: "order-66:a.b", timestamp: T0 });
      const later = { ...first, timestamp: T0 + 3 * DAY_MS };
      assert.deepEqual(await store.append([first]), ["stored"]);
      assert.deepEqual(await store.append([later, first]), ["duplicate", "duplicate"]);
      assert.equal((await store.get("order-66:a.b"))?.timestamp, T0);
    });

    test("keeps any well-formed text exactly", async () => {
      const texts = [
        "",
        "\u0000",
        "line\nfeed\r\n",
        "\u2028\u2029\u0085",
        "😀 ß 漢字 \u202e",
        '"\\',
        "x".repeat(300_000),
      ];
      const records = texts.map((text) => interaction({ query: text, answer: text }));
      await store.append(records);
      for (const record of records) assert.deepEqual(await store.get(record.interactionId), record);
    });

    test("keeps a user's id only as a pseudonym, the same one each time", async () => {
      const records = ["ada", "ada", "bob"].map((userId) => interaction({ userId }));
      await store.append(records);
      const kept = await Promise.all(
        records.map(async ({ interactionId }) => (await store.get(interactionId))?.userId),
      );
      assert.match(kept[0] ?? "", /^u:[0-9a-f]{32}$/);
      assert.equal(kept[0], kept[1]);
      assert.notEqual(kept[0], kept[2]);
    });

    test("answers a query in the order of time, either way", async () => {
      const records = [3, 1, 2].map((day) => interaction({ timestamp: T0 + day * DAY_MS, query: `day ${day}` }));
      await store.append(records);
      assert.deepEqual(queriesOf(await collect(store)), ["day 1", "day 2", "day 3"]);
      assert.deepEqual(queriesOf(await collect(store, { order: "desc" })), ["day 3", "day 2", "day 1"]);
    });

    test("filters by time, agent type, quality, score and error", async () => {
      await store.append([
        interaction({ query: "a", timestamp: T0, qualityScores: { overall: 0.9 } }),
        interaction({ query: "b", timestamp: T0 + 1_000, agentType: "code", qualityScores: { overall: 0.8 } }),
        interaction({ query: "c", timestamp: T0 + 2_000, agentType: "rag" }),
        interaction({ query: "d", timestamp: T0 + 3 * DAY_MS, errorOccurred: true, qualityScores: { overall: 0 } }),
      ]);
      const ask = async (options: QueryOptions) => queriesOf(await collect(store, options)).join("");
      assert.equal(await ask({ startTime: T0 + 1_000 }), "bcd");
      assert.equal(await ask({ endTime: T0 + 1_000 }), "a");
      assert.equal(await ask({ startTime: T0 + 1_000, endTime: T0 + 3 * DAY_MS }), "bc");
      assert.equal(await ask({ agentTypes: ["code", "rag"] }), "bc");
      assert.equal(await ask({ agentTypes: ["nobody"] }), "");
      assert.equal(await ask({ minQuality: 0.8 }), "ab");
      assert.equal(await ask({ minQuality: 0 }), "abd");
      assert.equal(await ask({ scored: false }), "c");
      assert.equal(await ask({ scored: true }), "abd");
      assert.equal(await ask({ errors: "exclude" }), "abc");
      assert.equal(await ask({ errors: "only" }), "d");
    });

    test("hands out every record once over the pages of a cursor", async () => {
      const records = Array.from({ length: 25 }, (_, i) =>
        interaction({ query: `${i}`, timestamp: T0 + Math.floor(i / 3) * 1_000 + (i > 12 ? DAY_MS : 0) }),
      );
      await store.append(records);
      for (const order of ["asc", "desc"] as const) {
        const seen: string[] = [];
        let cursor: string | undefined;
        for (let page = 0; page < 10; page++) {
          const found = await collect(store, { order, limit: 7, cursor });
          seen.push(...queriesOf(found));
          const last = found.at(-1);
          if (!last || found.length < 7) break;
          cursor = cursorAfter(last);
        }
        assert.equal(seen.length, 25);
        assert.equal(new Set(seen).size, 25);
      }
    });

    test("goes on after a cursor whose record is gone", async () => {
      await store.append([interaction({ query: "a", timestamp: T0 }), interaction({ query: "b", timestamp: T0 + 2 })]);
      const cursor = cursorAfter({ timestamp: T0 + 1, interactionId: "gone" });
      assert.deepEqual(queriesOf(await collect(store, { cursor })), ["b"]);
      assert.deepEqual(queriesOf(await collect(store, { cursor, order: "desc" })), ["a"]);
    });

    test("obeys a limit, also one of nothing", async () => {
      await store.append(Array.from({ length: 600 }, () => interaction()));
      assert.equal((await collect(store, { limit: 0 })).length, 0);
      assert.equal((await collect(store, { limit: 300 })).length, 300);
      assert.equal((await collect(store)).length, 600);
    });

    test("stops a query when the caller leaves or aborts", async () => {
      await store.append(Array.from({ length: 600 }, () => interaction()));
      for await (const batch of store.query()) {
        assert.ok(batch.length > 0 && batch.length <= 256);
        break;
      }
      const abort = new AbortController();
      abort.abort(new Error("enough"));
      await assert.rejects(collect(store, { signal: abort.signal }), /enough/);
    });

    test("refuses wrong options with a sentence that names them", async () => {
      await assert.rejects(collect(store, { minQuality: 2 }), /minQuality is 2/);
      await assert.rejects(collect(store, { cursor: "no cursor" }), /cursor "no cursor"/);
      await assert.rejects(collect(store, { limit: -1 }), /limit is -1/);
    });

    test("adds late scores without changing the record", async () => {
      const record = interaction({ qualityScores: { overall: 0.5 } });
      await store.append([record]);
      assert.deepEqual(await store.annotate([score(record, "judge:m@r", 0.7, 1)]), ["stored"]);
      const found = await store.get(record.interactionId);
      assert.deepEqual(found?.qualityScores, { overall: 0.5 });
      assert.deepEqual(found && effectiveScore(found), {
        overall: 0.7,
        source: "judge:m@r",
        scores: { overall: 0.7 },
      });
    });

    test("lets a source's newest word replace its older one, in whatever order they come", async () => {
      const record = interaction();
      await store.append([record]);
      await store.annotate([score(record, "verifier:math", 1, 5), score(record, "verifier:math", 0, 3)]);
      const found = await store.get(record.interactionId);
      assert.equal(found?.annotations?.length, 1);
      assert.equal(found && effectiveScore(found)?.overall, 1);
    });

    test("weighs human over verifier over judge", async () => {
      const record = interaction();
      await store.append([record]);
      await store.annotate([
        score(record, "human:ada", 0.2, 1),
        score(record, "verifier:math", 1, 2),
        score(record, "judge:m@r", 0.9, 3),
      ]);
      const found = await store.get(record.interactionId);
      assert.equal(found && effectiveScore(found)?.source, "human:ada");
    });

    test("says of an annotation whose interaction it does not know that it was not found", async () => {
      const record = interaction();
      await store.append([record]);
      const statuses = await store.annotate([
        score(interaction(), "verifier:math", 1, 1),
        score({ interactionId: "nobody" }, "verifier:math", 1, 1),
        score(record, "verifier:math", 1, 1),
      ]);
      assert.deepEqual(statuses, ["notFound", "notFound", "stored"]);
    });

    test("refuses annotations that are none, naming what is wrong, and stores nothing of that call", async () => {
      const record = interaction();
      await store.append([record]);
      const good = score(record, "verifier:math", 1, 1);
      for (const [wrong, named] of [
        [
          { ...good, scores: { overall: 7 } },
          /annotations\[1\]\.scores\.overall is not valid .*7.*: use numbers from 0 to 1/,
        ],
        [{ ...good, scores: { clarity: 1 } }, /annotations\[1\]\.scores is not valid .*`overall` among them/],
        [{ ...good, source: "me" }, /annotations\[1\]\.source is not valid .*'me'.*: use "human:<who>"/],
        [{ ...good, at: "now" }, /annotations\[1\]\.at is not valid .*'now'.*: use whole epoch milliseconds/],
        [{ interactionId: record.interactionId }, /annotations\[1\].* is not valid /],
        [null, /annotations\[1\] is not valid in null: use an object/],
      ] as const) {
        await assert.rejects(store.annotate([good, wrong as unknown as Annotation]), (error) => {
          assert.ok(ConfigError.isInstance(error), String(error));
          assert.match(error.message, named);
          return true;
        });
      }
      assert.equal((await store.get(record.interactionId))?.annotations, undefined);
    });

    test("finds interactions by their late scores", async () => {
      const records = [0, 1, 2].map((i) => interaction({ query: `${i}`, timestamp: T0 + i }));
      await store.append(records);
      await store.annotate(records.slice(0, 2).map((record, i) => score(record, "verifier:math", i, 1)));
      assert.deepEqual(queriesOf(await collect(store, { minQuality: 0.5 })), ["1"]);
      assert.deepEqual(queriesOf(await collect(store, { scored: false })), ["2"]);
    });

    test("keeps why a scorer gave no score, beside the score that it gives later", async () => {
      const record = interaction();
      await store.append([record]);
      const failed = { interactionId: record.interactionId, kind: "unscored", source: "judge:m@r" } as const;
      const usage = { inputTokens: 10, outputTokens: 5, costUsd: 0.001 };
      await store.annotate([
        { ...failed, at: 1, code: "SCORING_UNAVAILABLE", reason: "it answered 503" },
        { ...failed, at: 2, code: "SCORING_UNPARSABLE", reason: "no verdict", usage },
      ]);
      assert.deepEqual(queriesOf(await collect(store, { scored: false })), [record.query]);
      const found = await store.get(record.interactionId);
      assert.equal(found && effectiveScore(found), null);
      assert.deepEqual(found?.annotations, [
        { ...failed, at: 2, code: "SCORING_UNPARSABLE", reason: "no verdict", usage },
      ]);
      await store.annotate([score(record, "judge:m@r", 0.5, 3)]);
      const scored = await store.get(record.interactionId);
      assert.equal(scored && effectiveScore(scored)?.overall, 0.5);
      assert.equal(scored?.annotations?.length, 2);
      assert.deepEqual(await collect(store, { scored: false }), []);
    });

    test("keeps each kind of feedback, and a demonstration is a flag of the index", async () => {
      const record = interaction();
      await store.append([record]);
      await store.annotate([
        feedback(record, { type: "boolean", value: false }, 1),
        feedback(record, { type: "comment", value: "off by one" }, 2),
        feedback(record, { type: "demonstration", value: "121" }, 3),
      ]);
      const found = await store.get(record.interactionId);
      assert.equal(found?.annotations?.length, 3);
      assert.equal(found && effectiveScore(found)?.overall, 0);
      const [batch] = await index(store);
      assert.ok(((batch?.flags[0] ?? 0) & IndexFlag.demonstration) !== 0);
    });

    test("indexes what builders choose by", async () => {
      const records = [
        interaction({ timestamp: T0, qualityScores: { overall: 0.25 }, reference: "120", groupId: "g" }),
        interaction({ timestamp: T0 + 1, agentType: "code", errorOccurred: true, userId: "ada", sessionId: "s" }),
        interaction({ timestamp: T0 + DAY_MS, query: " What  is 6 * 20? ", groupId: "g" }),
      ];
      await store.append(records);
      const [batch, ...more] = await index(store);
      assert.ok(batch);
      assert.equal(more.length, 0);
      assert.equal(batch.length, 3);
      assert.deepEqual([...batch.timestamps], [T0, T0 + 1, T0 + DAY_MS]);
      assert.deepEqual([...batch.overall], [0.25, Number.NaN, Number.NaN]);
      assert.deepEqual(
        [...batch.agentTypes].map((number) => batch.agentTypeNames[number]),
        ["math", "code", "math"],
      );
      const prompts = [0, 1, 2].map((i) => `${batch.promptKeyHigh[i]} ${batch.promptKeyLow[i]}`);
      assert.equal(promptKey(records[0] as Interaction), promptKey(records[2] as Interaction));
      assert.equal(prompts[0], prompts[2]);
      assert.notEqual(prompts[0], prompts[1]);
      assert.equal(batch.groupLow[0], batch.groupLow[2]);
      assert.equal(batch.groupLow[1], 0);
      assert.ok(batch.users[0] === 0 && batch.users[1] !== 0 && batch.sessions[1] !== 0);
      assert.equal((batch.flags[0] as number) & IndexFlag.reference, IndexFlag.reference);
      assert.equal((batch.flags[1] as number) & IndexFlag.error, IndexFlag.error);
    });

    test("indexes the effective score", async () => {
      const record = interaction({ qualityScores: { overall: 0.1 } });
      await store.append([record]);
      await store.annotate([score(record, "verifier:math", 1, 1)]);
      const [batch] = await index(store);
      assert.equal(batch?.overall[0], 1);
    });

    test("fetches by the index's handles, in the order asked", async () => {
      const records = Array.from({ length: 400 }, (_, i) =>
        interaction({ query: `${i}`, timestamp: T0 + (i % 5) * DAY_MS + i }),
      );
      await store.append(records);
      await store.annotate([score(records[7] as Interaction, "verifier:math", 1, 1)]);
      const batches = await index(store);
      const refs = batches.flatMap(({ refs: handles, length }) => [...handles.subarray(0, length)]);
      assert.equal(refs.length, 400);
      const fetched = await flat(store.fetch(refs));
      const forward = fetched.map((record) => record.interaction);
      for (const { json, interaction: whole } of fetched) {
        const { annotations, ...record } = whole;
        assert.deepEqual(JSON.parse(json), record);
        assert.ok(!json.includes("\n"));
      }
      assert.deepEqual(queriesOf(forward), queriesOf(await collect(store)));
      assert.equal(forward.find(({ query }) => query === "7")?.annotations?.length, 1);
      const backward = (await flat(store.fetch(refs.toReversed()))).map((record) => record.interaction);
      assert.deepEqual(queriesOf(backward), queriesOf(forward).toReversed());
    });

    test("gives one index over more than one batch", async () => {
      await store.append(Array.from({ length: 5_000 }, (_, i) => interaction({ timestamp: T0 + i })));
      const batches = await index(store);
      assert.ok(batches.length > 1);
      const times = batches.flatMap(({ timestamps }) => [...timestamps]);
      assert.deepEqual(
        times,
        Array.from({ length: 5_000 }, (_, i) => T0 + i),
      );
    });

    test("counts what it holds", async () => {
      await store.append([
        interaction({ timestamp: T0, qualityScores: { overall: 0.8 } }),
        interaction({ timestamp: T0, qualityScores: { overall: 0.4 } }),
        interaction({ timestamp: T0, agentType: "__proto__", errorOccurred: true }),
      ]);
      const stats = await store.stats();
      assert.equal(stats.totalInteractions, 3);
      assert.equal(stats.highQualityCount, 1);
      assert.equal(stats.errorCount, 1);
      assert.equal(stats.unscoredCount, 1);
      assert.equal(stats.highQualityRate, 1 / 3);
      assert.equal(stats.errorRate, 1 / 3);
      assert.deepEqual(Object.keys(stats.agentStats), ["__proto__", "math"]);
      const math = stats.agentStats.math;
      assert.equal(math?.count, 2);
      assert.ok(Math.abs((math?.averageQuality ?? 0) - 0.6) < 1e-9);
      assert.equal((await store.stats({ agentTypes: ["math"] })).totalInteractions, 2);
    });

    test("has rates of 0, not NaN, while it is empty", async () => {
      const stats = await store.stats();
      assert.deepEqual([stats.totalInteractions, stats.highQualityRate, stats.errorRate], [0, 0, 0]);
      assert.deepEqual(await collect(store), []);
      assert.deepEqual(await index(store), []);
    });

    test("removes whole days before a time, with what was said of them", async () => {
      const records = [0, 1, 2].map((day) => interaction({ query: `${day}`, timestamp: T0 + day * DAY_MS + 5_000 }));
      await store.append(records);
      await store.annotate([score(records[0] as Interaction, "verifier:math", 1, 1)]);
      assert.deepEqual(await store.deleteBefore(T0 + DAY_MS + 9_000), { removed: 1 });
      assert.deepEqual(queriesOf(await collect(store)), ["1", "2"]);
      assert.equal(await store.get((records[0] as Interaction).interactionId), null);
      assert.deepEqual(await store.append([records[0] as Interaction]), ["stored"]);
      assert.equal((await store.get((records[0] as Interaction).interactionId))?.annotations, undefined);
    });

    test("takes records again after a cleanup", async () => {
      await store.append([interaction({ timestamp: T0 })]);
      await store.deleteBefore(T0 + 5 * DAY_MS);
      await store.append([interaction({ timestamp: T0, query: "again" })]);
      assert.deepEqual(queriesOf(await collect(store)), ["again"]);
    });

    test("erases all interactions of one user with what was said of them, and nothing else", async () => {
      const of = (userId: string | undefined, day: number, query: string, rest: Partial<Interaction> = {}) =>
        interaction({ timestamp: T0 + day * DAY_MS, query, ...(userId !== undefined && { userId }), ...rest });
      const ada = [
        of("ada", 0, "a0"),
        of("ada", 0, "a1", { qualityScores: { overall: 0.9 } }),
        of("ada", 2, "a2", { interactionId: "order-66", groupId: "g", sessionId: "s" }),
        of("ada", 3, "a3"),
      ];
      const others = [of("bob", 0, "b0"), of(undefined, 0.5, "n0"), of("bob", 2, "b2", { errorOccurred: true })];
      const [a0, , , a3] = ada as [Interaction, Interaction, Interaction, Interaction];
      const [b0] = others as [Interaction];
      await store.append([a0, ...others, ...ada.slice(1)]);
      await store.annotate([
        score(a0, "verifier:math", 1, 1),
        feedback(a3, { type: "demonstration", value: "better" }, 2),
        score(b0, "verifier:math", 1, 1),
      ]);
      const before = await index(store);
      assert.equal((await store.stats()).totalInteractions, 7);

      const { interactionIds } = await store.eraseUser("ada");
      assert.deepEqual([...interactionIds].sort(), ada.map(({ interactionId }) => interactionId).sort());
      assert.deepEqual(queriesOf(await collect(store)), ["b0", "n0", "b2"]);
      for (const { interactionId } of ada) assert.equal(await store.get(interactionId), null);
      assert.equal((await store.get(b0.interactionId))?.annotations?.length, 1);
      const { totalInteractions, highQualityCount, errorCount } = await store.stats();
      assert.deepEqual([totalInteractions, highQualityCount, errorCount], [3, 1, 1]);
      assert.equal(
        (await index(store)).reduce((sum, { length }) => sum + length, 0),
        3,
      );
      // Handles from before lead nowhere, and those of the others where they led.
      const fetched = await flat(store.fetch(before.flatMap(({ refs }) => [...refs])));
      assert.deepEqual(queriesOf(fetched.map(({ interaction: found }) => found)).sort(), ["b0", "b2", "n0"]);
      assert.deepEqual(await store.annotate([score(a0, "verifier:math", 1, 9)]), ["notFound"]);

      // Once more there is nothing to do, and the ids are free again, without what was said of them.
      assert.deepEqual(await store.eraseUser("ada"), { interactionIds: [] });
      assert.deepEqual(await store.append(ada), ["stored", "stored", "stored", "stored"]);
      assert.equal((await store.get(a0.interactionId))?.annotations, undefined);
      assert.equal((await store.stats()).totalInteractions, 7);
      // The pseudonym that stands in the record names the user too.
      const pseudonym = (await store.get(a0.interactionId))?.userId ?? "";
      assert.equal((await store.eraseUser(pseudonym)).interactionIds.length, 4);
      assert.deepEqual(queriesOf(await collect(store)), ["b0", "n0", "b2"]);
    });

    test("fails with STORE_CLOSED after close, and may be closed twice", async () => {
      await store.append([interaction()]);
      await store.close();
      await store.close();
      const closed = (error: unknown) => StoreError.isInstance(error) && error.code === "STORE_CLOSED";
      await assert.rejects(store.append([interaction()]), closed);
      await assert.rejects(store.annotate([]), closed);
      await assert.rejects(store.annotate([{} as Annotation]), closed);
      await assert.rejects(store.get("x"), closed);
      await assert.rejects(collect(store), closed);
      await assert.rejects(index(store), closed);
      await assert.rejects(store.stats(), closed);
      await assert.rejects(store.deleteBefore(0), closed);
      await assert.rejects(store.eraseUser("ada"), closed);
      await assert.rejects(store.health(), closed);
    });

    test("is healthy", async () => {
      const { status, reasons } = await store.health();
      assert.deepEqual({ status, reasons }, { status: "ok", reasons: [] });
    });

    test("survives a restart", async () => {
      assert.ok(reopen, "pass `reopen`, or skip this test by its title");
      const record = interaction({ userId: "ada" });
      const foreign = interaction({ interactionId: "mine" });
      await store.append([record, foreign]);
      await store.annotate([score(record, "verifier:math", 1, 1)]);
      await store.close();
      store = await reopen(store);
      assert.equal((await store.get(record.interactionId))?.annotations?.length, 1);
      assert.deepEqual(await store.append([record, foreign]), ["duplicate", "duplicate"]);
      const other = interaction({ userId: "ada" });
      await store.append([other]);
      const pseudonyms = (await collect(store, { agentTypes: ["math"] })).flatMap(({ userId }) => userId ?? []);
      assert.equal(new Set(pseudonyms).size, 1);
    });
  });
}

/** 2026-03-01T00:00:00Z, the first millisecond of a day. */
const T0 = Date.UTC(2026, 2, 1);

async function flat<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const found: T[] = [];
  for await (const batch of batches) found.push(...batch);
  return found;
}

const collect = (store: InteractionStore, options?: QueryOptions) => flat(store.query(options));
const queriesOf = (found: readonly StoredInteraction[]) => found.map(({ query }) => query);

async function index(store: InteractionStore): Promise<IndexBatch[]> {
  const batches: IndexBatch[] = [];
  for await (const batch of store.scanIndex()) batches.push(batch);
  return batches;
}

function score(
  { interactionId }: Pick<Interaction, "interactionId">,
  source: string,
  overall: number,
  at: number,
): Annotation {
  return { interactionId, kind: "score", source, at, scores: { overall } };
}

function feedback(
  { interactionId }: Interaction,
  said: Extract<Annotation, { kind: "feedback" }>["feedback"],
  at: number,
): Annotation {
  return { interactionId, kind: "feedback", source: "human:ada", at, feedback: said };
}

function fullInteraction(): Interaction {
  return interaction({
    messages: [
      { role: "system", content: "Be exact." },
      { role: "user", content: "What is 6 * 20?" },
      {
        role: "assistant",
        content: "",
        tool_calls: [
          { id: "c1", type: "function", function: { name: "calculator", arguments: { expression: "6*20" } } },
        ],
      },
      { role: "tool", content: "120", tool_call_id: "c1" },
      { role: "assistant", content: "120" },
    ],
    tools: [
      { type: "function", function: { name: "calculator", description: "Calculates", parameters: { type: "object" } } },
    ],
    qualityScores: { overall: 0.95, correctness: 1 },
    sessionId: "s-1",
    latencyMs: 12.5,
    toolsUsed: ["calculator"],
    sources: [{ id: "doc", title: "Title", url: "https://example.com", text: "text", score: 0.5 }],
    retrievalMethod: "bm25",
    errorOccurred: true,
    errorMessage: "late",
    model: "small",
    variant: "v2",
    usage: { inputTokens: 10, outputTokens: 5, costUsd: 0.001 },
    reference: "120",
    groupId: "task-1",
    metadata: { nested: { list: [1, null, "x", true] }, float: 0.1 },
    flags: ["answer:truncated"],
  });
}
