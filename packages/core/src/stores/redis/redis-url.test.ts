import { Cluster as Cluster5, Redis as Redis5 } from "ioredis";
import { Redis as Redis6 } from "ioredis6";
import { describe, expect, it } from "vitest";
import { openStore } from "../../open-store.js";
import { interaction } from "../../testing/interaction.js";
import { startRedisCluster } from "../../testing/redis-cluster.js";
import { hasRedisServer } from "../../testing/redis-server.js";
import { redisStore } from "../redis-store.js";
import type { RedisLike } from "./redis-like.js";

const lazy = { lazyConnect: true } as const;

describe("the URL of a store on a client of the caller's", () => {
  it.each<[string, RedisLike]>([
    ["redis://127.0.0.1:7001/2?prefix=shop", new Redis5({ ...lazy, host: "127.0.0.1", port: 7001, db: 2 })],
    ["redis://[::1]?prefix=shop", new Redis6({ ...lazy, host: "::1" })],
    ["rediss://h?prefix=shop", new Redis5({ ...lazy, host: "h", tls: {}, password: "s3cr3t" })],
    ["redis://h?prefix=app%3Ashop", new Redis5({ ...lazy, host: "h", keyPrefix: "app:" })],
    ["redis:///run/redis.sock/1?prefix=shop", new Redis5({ ...lazy, path: "/run/redis.sock", db: 1 })],
    [
      "redis-cluster://a:7000,127.0.0.1:7001,c:7002,[::1]:7003?prefix=shop",
      new Cluster5([{ host: "a", port: 7000 }, 7001, "redis://:s3cr3t@c:7002", "redis://[::1]:7003"], lazy),
    ],
  ])("is %s", (url, client) => {
    expect(redisStore({ client, prefix: "shop" }).url).toBe(url);
  });
});

it.runIf(hasRedisServer())("keeps its URL when the client of a cluster has found the servers", async () => {
  await using cluster = await startRedisCluster();
  const [{ host, port } = { host: "", port: 0 }] = cluster.servers;
  const client = new Cluster5([{ host, port }]);
  const before = redisStore({ client });
  await before.append([interaction()]);
  expect(redisStore({ client }).url).toBe(before.url);
  const again = openStore(before.url);
  expect((await again.stats()).totalInteractions).toBe(1);
  await again.close();
  client.disconnect();
});

it.runIf(hasRedisServer())(
  "opens a cluster of one server, and says what is missing when that tells no address",
  async () => {
    await using cluster = await startRedisCluster({ masters: 1 });
    const store = openStore(cluster.url);
    expect(await store.append([interaction(), interaction()])).toEqual(["stored", "stored"]);
    expect(await store.health()).toMatchObject({ status: "ok", facts: { servers: 1, tags: 24 } });
    expect((await store.stats()).totalInteractions).toBe(2);
    await store.close();

    await cluster.servers[0]?.configure("cluster-announce-ip", "");
    const lost = openStore(cluster.url);
    await expect(lost.append([interaction()])).rejects.toThrow(/set cluster-announce-ip where it is a single server/);
    await lost.close();
  },
);
