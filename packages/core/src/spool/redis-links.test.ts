import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { InteractionLogger } from "../logger.js";
import { startRedis } from "../testing/redis-server.js";
import { faultedRun } from "./faulted-run.fixture.js";
import { tcpProxy } from "./tcp-proxy.fixture.js";

const stored = (logger: InteractionLogger) => new Promise((resolve) => logger.on("stored", resolve));
const whole = { duplicated: 0, lost: 0, dropped: 0 };

describe.concurrent("nothing is lost and nothing is stored twice when", () => {
  it.each([6, 25])("Redis hangs for %i s", async (seconds) => {
    await using server = await startRedis();
    const run = await faultedRun(`SIGSTOP for ${seconds} s`, {
      store: server.url,
      fault: async () => {
        await sleep(500);
        server.pause();
        await sleep(seconds * 1_000);
        server.resume();
      },
    });
    expect(run).toMatchObject({ ...whole, stored: run.sent });
  });

  it("the link is slow", async () => {
    await using server = await startRedis();
    await using link = await tcpProxy(server.port, { latencyMs: 150, bytesPerSecond: 400_000 });
    const run = await faultedRun("a link of 300 ms and 400 KB/s", {
      store: `redis://127.0.0.1:${link.port}`,
      countAt: server.url,
      fault: () => sleep(6_000),
    });
    expect(run).toMatchObject({ ...whole, stored: run.sent });
  });

  it("the connection is cut after every so many bytes of a batch", async () => {
    await using server = await startRedis();
    await using link = await tcpProxy(server.port);
    let cuts = 0;
    const run = await faultedRun("cut within a batch, 60 times", {
      store: `redis://127.0.0.1:${link.port}`,
      countAt: server.url,
      fault: async (logger) => {
        for (let bytes = 0; cuts < 60; bytes += cuts < 30 ? 71 : 997) {
          await stored(logger);
          await link.cutAfter(bytes);
          cuts += 1;
        }
      },
    });
    expect(cuts).toBe(60);
    expect(run).toMatchObject({ ...whole, stored: run.sent });
  });

  it("the connection is stalled in both directions, and then cut", async () => {
    await using server = await startRedis();
    await using link = await tcpProxy(server.port);
    const run = await faultedRun("stalled for 3 s, then cut, three times", {
      store: `redis://127.0.0.1:${link.port}`,
      countAt: server.url,
      fault: async () => {
        for (let time = 0; time < 3; time++) {
          await sleep(500);
          link.stall(true);
          await sleep(3_000);
          link.cutAll();
          link.stall(false);
        }
      },
    });
    expect(run).toMatchObject({ ...whole, stored: run.sent });
  });
});
