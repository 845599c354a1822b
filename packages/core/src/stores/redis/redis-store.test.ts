import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Cluster as Cluster5, Redis as Redis5 } from "ioredis";
import { Cluster as Cluster6, Redis as Redis6 } from "ioredis6";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStore } from "../../open-store.js";
import { type RedisCluster, startRedisCluster } from "../../testing/redis-cluster.js";
import { hasRedisServer, type RedisServer, startRedis } from "../../testing/redis-server.js";
import { testStore } from "../../testing/test-store.js";
import { redisStore } from "../redis-store.js";
import type { RedisLike } from "./redis-like.js";

const run = promisify(execFile);
let prefixes = 0;
const freshPrefix = () => `t${process.pid}-${++prefixes}`;

describe.runIf(hasRedisServer())("on a single server", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  testStore("a redis:// URL", async () => openStore(`${server.url}?prefix=${freshPrefix()}`), {
    reopen: async ({ url }) => openStore(url),
  });

  testClient("ioredis 5", () => new Redis5(server.url));
  testClient("ioredis 6", () => new Redis6(server.url));
});

describe.runIf(hasRedisServer())("on a cluster of three masters", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.stop());

  testStore("a redis-cluster:// URL", async () => openStore(`${cluster.url}?prefix=${freshPrefix()}`), {
    reopen: async ({ url }) => openStore(url),
  });

  const nodes = () => cluster.servers.map(({ host, port }) => ({ host, port }));
  testClient("ioredis 5 Cluster", () => new Cluster5(nodes()));
  testClient("ioredis 6 Cluster", () => new Cluster6(nodes()));
});

// Where no server can be started, the contract at least is kept on a Redis that was given.
const { REDIS_URL: given } = process.env;
if (!hasRedisServer() && given) {
  testStore("the Redis of REDIS_URL", async () => redisStore({ url: given, prefix: freshPrefix() }), {
    reopen: async ({ url }) => redisStore({ url: given, prefix: /prefix=([^&]+)/.exec(url)?.[1] ?? "" }),
  });
}

it("loads no Redis client before a Redis store is used", async () => {
  const source = `
    const { createRequire } = await import("node:module");
    const { openStore } = await import(${JSON.stringify(new URL("../../index.ts", import.meta.url).href)});
    const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => /[\\\\/]ioredis[\\\\/]/.test(file));
    const store = openStore("redis://127.0.0.1:1");
    const before = loaded();
    await store.get("x").catch(() => undefined);
    console.log(before, loaded());
    await store.close();`;
  const { stdout } = await run(process.execPath, ["--import", "tsx", "--input-type=module", "-e", source]);
  expect(stdout.trim()).toBe("false true");
});

/** The contract on a client of the caller's, which stays open when its store is closed. */
function testClient(name: string, connect: () => RedisLike): void {
  describe(name, () => {
    let client: RedisLike;
    let prefix = "";
    beforeAll(() => {
      client = connect();
    });
    afterAll(() => client.disconnect());

    testStore(
      `a client of ${name}`,
      async () => {
        prefix = freshPrefix();
        return redisStore({ client, prefix });
      },
      { reopen: async () => redisStore({ client, prefix }) },
    );
  });
}
