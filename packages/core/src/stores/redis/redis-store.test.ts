import { Cluster as Cluster5, Redis as Redis5 } from "ioredis";
import { Cluster as Cluster6, Redis as Redis6 } from "ioredis6";
import { afterAll, beforeAll, describe } from "vitest";
import { openStore } from "../../open-store.js";
import { type RedisCluster, startRedisCluster } from "../../testing/redis-cluster.js";
import { type RedisServer, startRedis } from "../../testing/redis-server.js";
import { testStore } from "../../testing/test-store.js";
import type { RedisLike } from "./redis-like.js";
import { redisStore } from "./redis-store.js";

let prefixes = 0;
const freshPrefix = () => `t${process.pid}-${++prefixes}`;

describe("on a single server", () => {
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

describe("on a cluster of three masters", () => {
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
