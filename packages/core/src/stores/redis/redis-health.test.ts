import { readFileSync } from "node:fs";
import { Redis as Redis6 } from "ioredis6";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openStore } from "../../open-store.js";
import { storeFault } from "../../store-fault.js";
import { interaction } from "../../testing/interaction.js";
import { startRedisCluster } from "../../testing/redis-cluster.js";
import { hasRedisServer, type RedisServer, startRedis } from "../../testing/redis-server.js";
import { redisStore } from "../redis-store.js";

describe.runIf(hasRedisServer())("the health of a Redis store", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it("names an eviction policy that may take our keys, and strict refuses it", async () => {
    const store = openStore(server.url);
    const strict = openStore(`${server.url}?strict=true`);
    expect(await strict.append([interaction()])).toEqual(["stored"]);
    await server.configure("maxmemory-policy", "allkeys-lru");
    const reason = `Redis at ${server.url} may evict any key (maxmemory-policy allkeys-lru), also ours: set it to noeviction`;
    expect(await store.health()).toMatchObject({ status: "degraded", reasons: [reason] });
    expect(await store.append([interaction()])).toEqual(["stored"]);

    const later = openStore(`${server.url}?strict=true`);
    const refusal = await later.append([interaction()]).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "STORE_REFUSED", message: `${reason}, or open the store without strict` });
    expect(storeFault({ code: "STORE_REFUSED" })).toBe("permanent");
    await server.configure("maxmemory-policy", "noeviction");
    expect(await later.append([interaction()])).toEqual(["stored"]);
    for (const one of [store, strict, later]) await one.close();
  });

  it("looks at the policy again after an hour", async () => {
    const strict = openStore(`${server.url}?strict=true`);
    await strict.append([interaction()]);
    await server.configure("maxmemory-policy", "allkeys-random");
    expect(await strict.append([interaction()])).toEqual(["stored"]);
    const now = performance.now();
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now + 3_600_001);
    await expect(strict.append([interaction()])).rejects.toThrow("maxmemory-policy allkeys-random");
    clock.mockRestore();
    await server.configure("maxmemory-policy", "noeviction");
    await strict.close();
  });

  it("takes policies that spare keys without an expiry, and gives no key of ours one", async () => {
    await server.configure("maxmemory-policy", "volatile-lru");
    const store = openStore(`${server.url}?prefix=lasting&strict=true`);
    const record = interaction({ interactionId: "mine" });
    await store.append([record]);
    await store.annotate([
      {
        interactionId: "mine",
        kind: "feedback",
        source: "human:ada",
        at: 1,
        feedback: { type: "demonstration", value: "x" },
      },
    ]);
    await store.stats();
    expect(await store.health()).toMatchObject({ status: "ok" });
    const keys = (await server.cli("keys", "lasting:*")).split("\n");
    expect(keys.map((key) => key.slice(key.lastIndexOf(":"))).sort()).toEqual(
      [":a", ":c", ":d", ":days", ":ids", ":meta", ":q", ":r", ":t"].sort(),
    );
    for (const key of keys) expect(`${key} ${await server.cli("ttl", key)}`).toBe(`${key} -1`);
    await server.configure("maxmemory-policy", "noeviction");
    await store.close();
  });

  it("says when memory runs short, when nothing survives a restart, and when it is a replica", async () => {
    await using careless = await startRedis({ config: { appendonly: "no" } });
    await using replica = await startRedis({ replicaOf: server });
    const store = openStore(careless.url);
    expect((await store.health()).reasons).toEqual([
      `Redis at ${careless.url} keeps nothing over a restart: set appendonly yes, or save points`,
    ]);
    await careless.configure("save", "3600 1");
    expect((await store.health()).reasons).toEqual([]);
    await careless.configure("maxmemory", "1mb");
    expect((await store.health()).reasons.join()).toMatch(/uses \d+ % of maxmemory: raise it, or remove old days/);
    const full = await store.append([interaction()]).catch((error: unknown) => error);
    expect(full).toMatchObject({ code: "STORE_FULL" });
    await careless.configure("maxmemory", "0");
    expect(await store.append([interaction()])).toEqual(["stored"]);

    const copy = openStore(replica.url);
    expect((await copy.health()).reasons).toEqual([
      `Redis at ${replica.url} is a replica, which takes no writes: name the primary`,
    ]);
    await expect(copy.append([interaction()])).rejects.toMatchObject({ code: "STORE_READ_ONLY" });
    for (const one of [store, copy]) await one.close();
  });

  it("is down with a reason while the server is, and well when it is back", async () => {
    const own = await startRedis();
    const store = openStore(own.url);
    const first = interaction();
    await store.append([first]);
    await own.kill();
    expect(await store.health()).toMatchObject({ status: "down", reasons: [expect.stringContaining(own.url)] });
    await expect(store.append([interaction()])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await own.start();
    await expect.poll(async () => (await store.health()).status, { timeout: 20_000 }).toBe("ok");
    expect(await store.append([first])).toEqual(["duplicate"]);
    await store.close();
    await own.stop();
  });

  it("changes its epoch when the server starts again, and makes the store anew where the data are gone", async () => {
    const own = await startRedis();
    const store = openStore(own.url);
    const [first, second] = [interaction({ userId: "ada" }), interaction({ userId: "ada" })];
    await store.append([first]);
    const pseudonym = (await store.get(first.interactionId))?.userId;
    const { epoch } = await store.health();
    expect((await store.health()).epoch).toBe(epoch);
    await own.kill();
    await own.start({ empty: true });
    await expect.poll(async () => (await store.health()).status, { timeout: 20_000 }).toBe("ok");
    expect((await store.health()).epoch).not.toBe(epoch);
    expect(await store.get(first.interactionId)).toBeNull();
    expect(await store.append([first, second])).toEqual(["stored", "stored"]);
    const other = openStore(own.url);
    expect((await other.get(second.interactionId))?.userId).toBe(pseudonym);
    for (const one of [store, other]) await one.close();
    await own.stop();
  });

  it("is well with the user that docs/stores.md makes", async () => {
    const page = readFileSync(new URL("../../../../../docs/stores.md", import.meta.url), "utf8");
    const [, rules = ""] = /^ACL SETUSER (.*)$/m.exec(page) ?? [];
    await server.cli("acl", "setuser", ...rules.split(" "));
    const store = openStore(server.url.replace("//", "//whetstone:password@"));
    const records = [interaction(), interaction({ interactionId: "of-the-user" })];
    expect(await store.append(records)).toEqual(["stored", "stored"]);
    const word = { kind: "score", source: "human:ada", at: 1, scores: { overall: 1 } } as const;
    expect(await store.annotate([{ ...word, interactionId: "of-the-user" }])).toEqual(["stored"]);
    expect((await store.stats({ minQuality: 1 })).totalInteractions).toBe(1);
    expect((await store.get("of-the-user"))?.annotations).toHaveLength(1);
    expect(await store.health()).toMatchObject({ status: "ok" });
    expect((await store.deleteBefore(Date.now() + 2 * 86_400_000)).removed).toBeGreaterThanOrEqual(2);
    await store.close();
  });

  it("goes without INFO where that is forbidden, and says what it does not know", async () => {
    await server.cli("acl", "setuser", "managed", "on", ">pw", "~*", "+@all", "-info", "-config");
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined); // ioredis tells of it too
    const store = openStore(server.url.replace("//", "//managed:pw@"));
    expect(await store.append([interaction()])).toEqual(["stored"]);
    expect(await store.health()).toMatchObject({
      status: "degraded",
      reasons: [`Redis at ${server.url} does not answer INFO: its eviction policy is unknown; allow +info`],
      epoch: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    await store.close();
    warn.mockRestore();
  });

  it("names one epoch for a whole cluster, and changes it when one master is another", async () => {
    await using cluster = await startRedisCluster();
    const store = openStore(cluster.url);
    const { epoch, status } = await store.health();
    expect(status).toBe("ok");
    expect((await store.health()).epoch).toBe(epoch);
    const [first] = cluster.servers;
    await first?.kill();
    await first?.start();
    await cluster.untilReady();
    await expect.poll(async () => (await store.health()).epoch ?? epoch, { timeout: 20_000 }).not.toBe(epoch);
    await store.close();
  });

  it("leaves the caller's own client open", async () => {
    const client = new Redis6(server.url);
    const store = redisStore({ client, prefix: "borrowed" });
    await store.append([interaction()]);
    await store.close();
    expect(client.listenerCount("ready") + client.listenerCount("error")).toBe(0);
    expect(await client.ping()).toBe("PONG");
    client.disconnect();
  });
});
