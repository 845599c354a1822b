import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Annotation, StoredInteraction } from "../../annotation.js";
import { DAY_MS } from "../../day.js";
import type { Interaction } from "../../interaction.js";
import { appendKnown } from "../../known-records.js";
import { openStore } from "../../open-store.js";
import { seededRandom } from "../../seeded-random.js";
import { type IndexBatch, IndexFlag, type InteractionStore } from "../../store.js";
import { interaction } from "../../testing/interaction.js";
import { type RedisCluster, startRedisCluster } from "../../testing/redis-cluster.js";
import { hasRedisServer, type RedisServer, startRedis } from "../../testing/redis-server.js";
import { memoryStore } from "../memory-store.js";
import { redisStore } from "../redis-store.js";
import { CLUSTER_TAGS, tagOf } from "./buckets.js";

const DAY = Date.UTC(2026, 2, 1);
let prefixes = 0;

describe.runIf(hasRedisServer())("the layout on a single server", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  const open = (prefix = `p${++prefixes}`) => ({ prefix, store: openStore(`${server.url}?prefix=${prefix}`) });

  it("lets a person with redis-cli find an interaction, its time, its score and what was said of it", async () => {
    const { prefix, store } = open();
    const record = interaction({ timestamp: DAY + 5, agentType: "my agent", qualityScores: { overall: 0.5 } });
    await store.append([record]);
    await store.annotate([score(record, "judge:m@r", 0.9, 7)]);
    const key = (name: string) => `${prefix}:{0}:2026-03-01:${name}`;
    const { interactionId } = record;
    expect(JSON.parse(await server.cli("hget", key("r"), interactionId))).toEqual(record);
    expect(await server.cli("zrangebyscore", key("q"), "0.8", "+inf", "withscores")).toBe(
      `${interactionId}\n0.90000000000000002`,
    );
    const times = await server.cli("zrange", key("t"), "0", "-1", "withscores");
    expect(times).toMatch(new RegExp(`^${interactionId} 0 [0-9a-f]{16} - - - my agent\n${DAY + 5}$`));
    expect(await server.cli("hget", key("a"), interactionId)).toMatch(/^judge%3Am%40r%0Ascore 2 0\.9 7 \{"inter/);
    expect(await server.cli("zrange", `${prefix}:{0}:days`, "0", "-1")).toBe("2026-03-01");
    expect(await server.cli("hmget", `${prefix}:meta`, "layout", "tags")).toBe("1\n1");
    await store.close();
  });

  it("keeps applications apart by their prefix, also when one cleans up", async () => {
    const [mine, theirs] = [open(), open()];
    const record = interaction({ interactionId: "same", timestamp: DAY });
    expect(await mine.store.append([record])).toEqual(["stored"]);
    expect(await theirs.store.get("same")).toBeNull();
    expect(await theirs.store.append([{ ...record, answer: "other" }])).toEqual(["stored"]);
    expect(await theirs.store.deleteBefore(DAY + DAY_MS)).toEqual({ removed: 1 });
    expect((await mine.store.get("same"))?.answer).toBe("120");
    expect(await server.cli("keys", `${theirs.prefix}:*`)).toBe(`${theirs.prefix}:meta`);
    for (const { store } of [mine, theirs]) await store.close();
  });

  it("makes nothing where it only reads", async () => {
    const { prefix, store } = open();
    expect(await store.get("x")).toBeNull();
    expect((await store.stats()).totalInteractions).toBe(0);
    expect(await store.deleteBefore(DAY)).toEqual({ removed: 0 });
    expect(await server.cli("keys", `${prefix}:*`)).toBe("");
    await store.close();
  });

  it("writes a batch of a day with one command a key", async () => {
    const { store } = open();
    await store.append([interaction({ timestamp: DAY })]);
    await server.cli("config", "resetstat");
    await store.append(Array.from({ length: 64 }, (_, i) => interaction({ timestamp: DAY + i })));
    const callsOf = await commandCalls(server);
    expect(["hset", "zadd", "hincrby", "zmscore", "multi", "exec"].map(callsOf)).toEqual([1, 3, 1, 2, 1, 1]);
    await store.close();
  });

  it("keeps the JSON that comes with a record byte by byte, but for the user's pseudonym", async () => {
    const { prefix, store } = open();
    const plain = interaction({ timestamp: DAY, answer: "é€😀", agentType: "ünë" });
    const users = interaction({ timestamp: DAY, userId: "ann", metadata: { note: "userId" } });
    const quick = interaction({ timestamp: DAY, userId: "ann" });
    const own = interaction({ timestamp: DAY, interactionId: "own:1", answer: "€" });
    const records = [plain, users, quick, own];
    // With a blank that JSON.stringify would not write.
    const json = records.map((record) => Buffer.from(JSON.stringify(record).replace("{", "{ ")));
    expect(await appendKnown(store, records, { json })).toEqual(records.map(() => "stored"));
    expect(await appendKnown(store, records, { json })).toEqual(records.map(() => "duplicate"));
    const text = ({ interactionId }: Interaction) => server.cli("hget", `${prefix}:{0}:2026-03-01:r`, interactionId);
    const { userId = "" } = (await store.get(quick.interactionId)) ?? {};
    expect(userId).toMatch(/^u:[0-9a-f]{32}$/);
    expect(await text(plain)).toBe(String(json[0]));
    expect(await text(users)).toBe(JSON.stringify({ ...users, userId })); // the name stands there twice
    expect(await text(quick)).toBe(String(json[2]).replace('"ann"', `"${userId}"`));
    expect(await text(own)).toBe(String(json[3]));
    expect((await store.stats()).agentStats.ünë?.count).toBe(1);
    await store.close();
  });

  it("writes new ids without asking for them, and once more without harm", async () => {
    const { store } = open();
    const records = Array.from({ length: 40 }, (_, i) => interaction({ timestamp: DAY + i }));
    await server.cli("config", "resetstat");
    expect(await appendKnown(store, records, { newIds: true })).toEqual(records.map(() => "stored"));
    expect((await commandCalls(server))("zmscore")).toBe(0);
    await store.annotate(records.map((record) => score(record, "judge:m@r", 0.9, 7)));
    expect(await appendKnown(store, records, { newIds: true })).toEqual(records.map(() => "stored"));
    expect((await store.stats()).agentStats.math).toMatchObject({ count: 40, highQualityCount: 40 });
    await store.close();
  });

  it("reads records of many days in one round trip, also behind a client's own prefix, with what was said of them", async () => {
    const client = new Redis(server.port, server.host, { keyPrefix: "app:" });
    const store = redisStore({ client, prefix: `p${++prefixes}` });
    const records = Array.from({ length: 60 }, (_, i) => interaction({ timestamp: DAY + (i % 20) * DAY_MS + i }));
    await store.append(records);
    const handles = (await index(store)).flatMap(({ refs }) => [...refs]);
    await server.cli("config", "resetstat");
    const read = await readAll(store, handles);
    expect(read.map(({ interactionId }) => interactionId).sort()).toEqual(
      records.map(({ interactionId }) => interactionId).sort(),
    );
    const callsOf = await commandCalls(server);
    expect(["hmget", "exists"].map(callsOf)).toEqual([20, 1]);
    const said = score(records[41] as Interaction, "judge:m@r", 0.9, 7);
    await store.annotate([said]);
    const annotated = (await readAll(store, handles)).filter(({ annotations }) => annotations);
    expect(annotated).toEqual([{ ...records[41], annotations: [said] }]);
    await store.close();
    client.disconnect();
  });

  it("heals a record that is stored by half, and keeps what was said of it", async () => {
    const { prefix, store } = open();
    const record = interaction({ timestamp: DAY });
    await store.append([record]);
    await store.annotate([score(record, "verifier:math", 1, 1)]);
    for (const part of ["r", "t"]) {
      await server.cli("del", `${prefix}:{0}:2026-03-01:${part}`);
      expect(await store.append([record])).toEqual(["duplicate"]);
      expect(await collect(store)).toEqual([await store.get(record.interactionId)]);
      expect((await store.stats()).highQualityCount).toBe(1);
    }
    await store.close();
  });

  it("counts what is there when its counts were evicted", async () => {
    const { prefix, store } = open();
    await store.append(Array.from({ length: 30 }, (_, i) => interaction({ timestamp: DAY + i * 3_600_000 })));
    const before = await store.stats();
    await server.cli("del", `${prefix}:{0}:2026-03-01:c`);
    expect(await store.stats()).toEqual(before);
    expect(before.totalInteractions).toBe(30);
    await store.close();
  });

  it("counts again only the hours that changed", async () => {
    const { prefix, store } = open();
    const records = Array.from({ length: 48 }, (_, i) => interaction({ timestamp: DAY + i * 1_800_000 }));
    await store.append(records);
    await store.stats();
    const readsOf = async () =>
      Number(/cmdstat_zrange:calls=(\d+)/.exec(await server.cli("info", "commandstats"))?.[1] ?? 0);
    await server.cli("config", "resetstat");
    await store.stats();
    const unchanged = await readsOf();
    await store.annotate([score(records[10] as Interaction, "verifier:math", 1, 1)]);
    expect((await store.stats()).highQualityCount).toBe(1);
    expect(await readsOf()).toBe(unchanged * 2 + 1); // the list of days, and one hour
    // An hour that a filter cuts is read; those within are taken as they are kept.
    const cut = await store.stats({ startTime: DAY + 1_800_000, endTime: DAY + DAY_MS });
    expect(cut.totalInteractions).toBe(47);
    expect(await server.cli("hget", `${prefix}:{0}:2026-03-01:c`, "v5")).toBe("2");
    await store.close();
  });

  it("moves an interaction between the indexes with every late word, by the rules of effectiveScore", async () => {
    const { prefix, store } = open();
    const memory = memoryStore();
    const record = interaction({ timestamp: DAY, qualityScores: { overall: 0.25 } });
    for (const one of [store, memory]) await one.append([record]);
    const words: Annotation[] = [
      score(record, "heuristic:floor", 1, 9),
      score(record, "judge:m@r", 0.3, 5),
      score(record, "judge:m@r", 0.1, 4),
      score(record, "judge:other@r", 0.35, 5),
      score(record, "verifier:math", 1, 1),
      feedback(record, { type: "comment", value: "line\nfeed" }, 2),
      feedback(record, { type: "rating", value: 0.1 }, 3),
      feedback(record, { type: "boolean", value: true }, 2),
      feedback(record, { type: "demonstration", value: "121" }, 8),
      { interactionId: record.interactionId, kind: "unscored", source: "judge:m@r", at: 6, code: "X", reason: "y" },
    ];
    for (const word of words) {
      for (const one of [store, memory]) expect(await one.annotate([word])).toEqual(["stored"]);
      const [ours, reference] = [await index(store), await index(memory)];
      expect([...(ours[0]?.overall ?? [])]).toEqual([...(reference[0]?.overall ?? [])]);
      expect(await store.get(record.interactionId)).toEqual(await memory.get(record.interactionId));
      expect(await store.stats()).toEqual(await memory.stats());
    }
    expect(await server.cli("zcard", `${prefix}:{0}:2026-03-01:q`)).toBe("1");
    expect(await server.cli("smembers", `${prefix}:{0}:2026-03-01:d`)).toBe(record.interactionId);
    await store.close();
  });

  it("answers as the memory store does, whatever is asked", async () => {
    const { store } = open();
    const memory = memoryStore();
    const random = seededRandom(7);
    const records = Array.from({ length: 700 }, (_, i) =>
      interaction({
        // Many of the same millisecond, over four days.
        timestamp: DAY + Math.floor(random() * 4) * DAY_MS + Math.floor(random() * 40) * 1_800_000,
        ...(random() < 0.2 && { interactionId: `own:${i}` }),
        agentType: ["math", "code", "rag", "an other ünë"][Math.floor(random() * 4)] as string,
        query: `Question ${Math.floor(random() * 50)}`,
        qualityScores: random() < 0.4 ? {} : { overall: Math.floor(random() * 11) / 10 },
        errorOccurred: random() < 0.1,
        ...(random() < 0.3 && { groupId: `g${Math.floor(random() * 9)}`, sessionId: `s${Math.floor(random() * 9)}` }),
      }),
    ).sort((a, b) => a.timestamp - b.timestamp || (a.interactionId < b.interactionId ? -1 : 1));
    for (const one of [store, memory]) await one.append(records);
    const words = records.filter(() => random() < 0.3).map((record) => score(record, "judge:m@r", random(), 1));
    for (const one of [store, memory]) await one.annotate(words);

    for (let i = 0; i < 60; i++) {
      const filter = {
        ...(random() < 0.5 && { startTime: DAY + Math.floor(random() * 4 * DAY_MS) }),
        ...(random() < 0.5 && { endTime: DAY + Math.floor(random() * 5 * DAY_MS) }),
        ...(random() < 0.4 && { agentTypes: ["math", "an other ünë"] }),
        ...(random() < 0.4 && { minQuality: [0, 0.5, 0.8, 0.97, 1][Math.floor(random() * 5)] }),
        ...(random() < 0.3 && { scored: random() < 0.5 }),
        ...(random() < 0.3 && { errors: random() < 0.5 ? ("only" as const) : ("exclude" as const) }),
      };
      const order = random() < 0.5 ? ("asc" as const) : ("desc" as const);
      const limit = random() < 0.5 ? Math.floor(random() * 60) : undefined;
      const asked = JSON.stringify({ filter, order, limit });
      const ask = async (one: InteractionStore) =>
        (await collect(one, { ...filter, order, limit })).map(({ interactionId }) => interactionId);
      expect([asked, await ask(store)]).toEqual([asked, await ask(memory)]);
      const [ours, reference] = [await store.stats(filter), await memory.stats(filter)];
      expect({ asked, ...ours, agentStats: rounded(ours) }).toEqual({
        asked,
        ...reference,
        agentStats: rounded(reference),
      });
      const [columns, expected] = [await index(store, filter), await index(memory, filter)];
      expect([asked, columns.map(comparable)]).toEqual([asked, expected.map(comparable)]);
    }
    await store.close();
  });

  it("reads days that lie far apart, and thousands of records of one millisecond", async () => {
    const { store } = open();
    await store.append(Array.from({ length: 5_000 }, (_, i) => interaction({ timestamp: DAY, query: `${i}` })));
    await store.append([interaction({ timestamp: 0 }), interaction({ timestamp: DAY + 900 * DAY_MS })]);
    for (const order of ["asc", "desc"] as const) {
      const ids = (await collect(store, { order })).map(({ interactionId }) => interactionId);
      expect(new Set(ids).size).toBe(5_002);
    }
    const batches = await index(store);
    expect(batches.reduce((sum, { length }) => sum + length, 0)).toBe(5_002);
    expect((await store.stats()).totalInteractions).toBe(5_002);
    await store.close();
  });

  it("gives a record the same handle in every scan, and none to what was cleaned up", async () => {
    const { store } = open();
    const records = [interaction({ timestamp: DAY }), interaction({ interactionId: "mine", timestamp: DAY + DAY_MS })];
    await store.append(records);
    const refs = async () => (await index(store)).flatMap((batch) => [...batch.refs]);
    const [first, second] = await refs();
    expect(await refs()).toEqual([first, second]);
    await store.deleteBefore(DAY + DAY_MS);
    expect(await refs()).toEqual([second]);
    const found = [];
    for await (const batch of store.fetch([first ?? -1, second ?? -1, 9e15])) found.push(...batch);
    expect(found.map(({ interaction: { interactionId } }) => interactionId)).toEqual(["mine"]);
    expect(found[0]?.json).toBe(JSON.stringify(records[1]));
    await store.close();
  });

  it("stores an id once when two calls of one process bring it at the same time", async () => {
    const { store } = open();
    const records = Array.from({ length: 30 }, (_, i) => interaction({ timestamp: DAY + i, answer: `first ${i}` }));
    const later = records.map((record) => ({ ...record, answer: "second" }));
    const [first, second] = await Promise.all([store.append(records), store.append(later)]);
    expect(new Set(first)).toEqual(new Set(["stored"]));
    expect(new Set(second)).toEqual(new Set(["duplicate"]));
    expect((await collect(store)).map(({ answer }) => answer)).toEqual(records.map(({ answer }) => answer));
    await store.close();
  });
});

describe.runIf(hasRedisServer())("the layout on a cluster", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.stop());

  it("spreads a day evenly over the masters, and every key of a record lies in one slot", async () => {
    const store = openStore(cluster.url);
    const records = Array.from({ length: 3_000 }, (_, i) => interaction({ timestamp: DAY + i }));
    await store.append(records);
    expect(await collect(store)).toEqual(records);
    const counts = await Promise.all(
      cluster.servers.map(async (server) => {
        const keys = (await server.cli("keys", "ws:*:2026-03-01:r")).split("\n").filter((key) => key !== "");
        const sizes = await Promise.all(keys.map(async (key) => Number(await server.cli("hlen", key))));
        return { tags: keys.length, records: sizes.reduce((sum, size) => sum + size, 0) };
      }),
    );
    console.log(`records on three masters: ${counts.map((count) => count.records).join(", ")}`);
    expect(counts.map(({ tags }) => tags)).toEqual([8, 8, 8]);
    expect(counts.reduce((sum, count) => sum + count.records, 0)).toBe(3_000);
    expect(await cluster.servers[0]?.cli("-c", "hmget", "ws:meta", "layout", "tags")).toBe("1\n24");
    await store.close();
  });

  it("has tags in the middle of 24 equal parts of the slots", async () => {
    const [server] = cluster.servers;
    const slots = await Promise.all(
      CLUSTER_TAGS.map(async (tag) => Number(await server?.cli("cluster", "keyslot", tag))),
    );
    for (const [i, slot] of slots.entries()) expect(Math.abs(slot - ((i + 0.5) * 16_384) / 24)).toBeLessThan(1);
    expect(new Set(CLUSTER_TAGS.map((_, i) => tagOf(`id-${i * 37}`, CLUSTER_TAGS))).size).toBeGreaterThan(10);
  });

  it("goes on while slots move to another master", async () => {
    const store = openStore(`${cluster.url}?prefix=moving`);
    const [from, to] = cluster.servers;
    if (!from || !to) throw new Error("no cluster");
    let moving = true;
    const moved = cluster.moveSlots(from, to, 700).finally(() => {
      moving = false;
    });
    const stored: string[] = [];
    let failures = 0;
    for (let n = 0; moving || n < 20; n++) {
      const records = Array.from({ length: 64 }, (_, i) => interaction({ timestamp: DAY + n * 100 + i }));
      for (let done = false; !done; ) {
        done = await store.append(records).then(
          () => true,
          () => {
            failures += 1;
            return false;
          },
        );
      }
      stored.push(...records.map(({ interactionId }) => interactionId));
    }
    await moved;
    const found = new Set((await collect(store)).map(({ interactionId }) => interactionId));
    console.log(`slots moved while ingesting: sent ${stored.length}, stored ${found.size}, tried again ${failures}`);
    expect(found).toEqual(new Set(stored));
    expect((await store.stats()).totalInteractions).toBe(stored.length);
    await store.close();
  });
});

async function collect(store: InteractionStore, options?: Parameters<InteractionStore["query"]>[0]) {
  const found = [];
  for await (const batch of store.query(options)) found.push(...batch);
  return found;
}

/** How often the server was asked for each command since its last `config resetstat`. */
async function commandCalls(server: RedisServer): Promise<(name: string) => number> {
  const calls = await server.cli("info", "commandstats");
  return (name) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(calls)?.[1] ?? 0);
}

async function index(store: InteractionStore, filter?: Parameters<InteractionStore["scanIndex"]>[0]) {
  const batches: IndexBatch[] = [];
  for await (const batch of store.scanIndex(filter)) batches.push(batch);
  return batches;
}

async function readAll(store: InteractionStore, handles: readonly number[]): Promise<StoredInteraction[]> {
  const found: StoredInteraction[] = [];
  for await (const records of store.fetch(handles)) found.push(...records.map((record) => record.interaction));
  return found;
}

/** A batch without its handles, and with agent types by name. */
function comparable({ refs: _, agentTypes, agentTypeNames, flags, ...columns }: IndexBatch) {
  const plain = Object.entries(columns).map(([name, column]) => [name, Array.from(column as ArrayLike<number>)]);
  return {
    ...Object.fromEntries(plain),
    agents: Array.from(agentTypes, (number) => agentTypeNames[number]),
    flags: Array.from(flags, (sum) => sum & ~IndexFlag.foreignId),
  };
}

const rounded = ({ agentStats }: Awaited<ReturnType<InteractionStore["stats"]>>) =>
  Object.entries(agentStats).map(([name, { averageQuality, ...counts }]) => [name, counts, averageQuality?.toFixed(9)]);

function score({ interactionId }: Interaction, source: string, overall: number, at: number): Annotation {
  return { interactionId, kind: "score", source, at, scores: { overall } };
}

function feedback(
  { interactionId }: Interaction,
  said: Extract<Annotation, { kind: "feedback" }>["feedback"],
  at: number,
): Annotation {
  return { interactionId, kind: "feedback", source: "human:ada", at, feedback: said };
}
