import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RedisCluster, startRedisCluster } from "../testing/redis-cluster.js";
import { faultedRun } from "./faulted-run.fixture.js";

const whole = { duplicated: 0, lost: 0, dropped: 0 };

describe("nothing is lost and nothing is stored twice in a cluster when", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster({ replicasPerMaster: 1 });
  });
  afterAll(() => cluster.stop());

  it("slots move while records arrive", async () => {
    const [from, to] = cluster.servers;
    if (!from || !to) throw new Error("the cluster has too few servers");
    const run = await faultedRun("cluster: 1,500 slots move to another primary", {
      store: `${cluster.url}?prefix=moving`,
      fault: async () => {
        await sleep(1_000);
        await cluster.moveSlots(from, to, 1_500);
        await sleep(500);
      },
    });
    expect(run).toMatchObject({ ...whole, stored: run.sent });
  });

  it("a primary is killed and its replica takes over", async () => {
    const run = await faultedRun("cluster: kill -9 of a primary", {
      store: `${cluster.url}?prefix=killing`,
      fault: async () => {
        await sleep(1_000);
        await cluster.servers[0]?.kill();
        await cluster.untilReady();
        await sleep(1_000);
      },
    });
    expect(run).toMatchObject({ ...whole, stored: run.sent });
  });
});
