import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type RedisServer, startRedis } from "../testing/redis-server.js";
import { faultedRun } from "./faulted-run.fixture.js";
import { tcpProxy } from "./tcp-proxy.fixture.js";

const whole = { duplicated: 0, lost: 0, dropped: 0 };

describe.concurrent("nothing is lost and nothing is stored twice when Redis", () => {
  it("is down at the start", async () => {
    await using server = await startRedis();
    await server.kill();
    const run = await faultedRun("Redis down at the start, for 3 s", {
      store: server.url,
      fault: async () => {
        await sleep(3_000);
        await server.start();
      },
    });
    expect(run).toMatchObject({ ...whole, stored: run.sent });
  });

  it("is killed and started again six times", async () => {
    await using server = await startRedis();
    const run = await faultedRun("killed and started again, six times", {
      store: server.url,
      fault: async () => {
        for (let time = 0; time < 6; time++) {
          await sleep(700);
          await server.kill();
          await sleep(300);
          await server.start();
        }
      },
    });
    expect(run).toMatchObject({ ...whole, stored: run.sent });
  });

  it("starts again empty, three times", async () => {
    await using server = await startRedis();
    const run = await faultedRun("starts again empty, three times", {
      store: server.url,
      fault: async () => {
        for (let time = 0; time < 3; time++) {
          await sleep(1_500);
          await server.kill();
          await server.start({ empty: true });
        }
        await sleep(1_000);
      },
    });
    expect(run).toMatchObject({ ...whole, stored: run.sent });
    expect(run.resent).toBeGreaterThan(0);
  });

  it("starts again empty while nothing is logged", async () => {
    await using server = await startRedis();
    const run = await faultedRun("starts again empty while nothing is logged", {
      store: server.url,
      fault: async (logger) => {
        await sleep(500);
        await logger.flush();
        await emptied(server);
        const lost = new Promise((resolve) => logger.on("storeLost", resolve));
        await lost;
      },
    });
    expect(run).toMatchObject({ ...whole, stored: run.sent });
  });

  it("fails over to a replica that lags behind", async () => {
    await using primary = await startRedis();
    await using replication = await tcpProxy(primary.port);
    await using replica = await startRedis({ config: { replicaof: `127.0.0.1 ${replication.port}` } });
    await using front = await tcpProxy(primary.port);
    const run = await faultedRun("fails over to a replica that lags 2 s behind", {
      store: `redis://127.0.0.1:${front.port}`,
      countAt: replica.url,
      fault: async () => {
        await sleep(1_000);
        replication.stall(true);
        await sleep(2_000);
        await primary.kill();
        await replica.cli("replicaof", "no", "one");
        front.leadTo(replica.port);
        await sleep(1_000);
      },
    });
    expect(run).toMatchObject({ ...whole, stored: run.sent });
    expect(run.resent).toBeGreaterThan(0);
  });

  it("fails over, and the old primary goes on as a replica and keeps its connections", async () => {
    await using primary = await startRedis();
    await using replica = await startRedis({ replicaOf: primary });
    await using front = await tcpProxy(primary.port);
    const run = await faultedRun("fails over, connections to the old primary stay", {
      store: `redis://127.0.0.1:${front.port}`,
      countAt: replica.url,
      fault: async () => {
        await sleep(1_000);
        front.leadTo(replica.port, { keepOpen: true });
        await replica.cli("replicaof", "no", "one");
        await primary.cli("replicaof", "127.0.0.1", String(replica.port));
        await sleep(1_000);
      },
      flushMs: 10_000,
    });
    expect(run).toMatchObject({ ...whole, stored: run.sent });
    expect(run.errors[0]?.code).toBe("STORE_READ_ONLY");
  });

  it("is loading its data", async () => {
    await using server = await startRedis({ config: { "enable-debug-command": "yes" } });
    await server.cli("debug", "populate", "300", "filler", "100");
    const run = await faultedRun("LOADING for 3 s", {
      store: server.url,
      fault: async () => {
        await sleep(1_000);
        await server.cli("bgrewriteaof");
        while (!(await server.cli("info", "persistence")).includes("aof_rewrite_in_progress:0")) await sleep(20);
        await server.kill();
        const slowly = "key-load-delay 10000\nloading-process-events-interval-bytes 1024\n";
        appendFileSync(join(server.folder, "redis.conf"), slowly);
        await server.start({ waitUntilReady: false });
        const seen = new Set<string>();
        for (let answer = ""; answer !== "PONG"; await sleep(50)) {
          answer = await server.cli("ping").catch(String);
          seen.add(/LOADING/.exec(answer)?.[0] ?? "");
        }
        expect(seen).toContain("LOADING");
      },
    });
    expect(run).toMatchObject({ ...whole, stored: run.sent });
  });
});

async function emptied(server: RedisServer): Promise<void> {
  await server.kill();
  await server.start({ empty: true });
}
