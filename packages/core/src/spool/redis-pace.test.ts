import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createInteractionLogger, type LoggerOptions } from "../interaction-logger.js";
import { openStore } from "../open-store.js";
import type { InteractionStore } from "../store.js";
import { type RedisServer, startRedis } from "../testing/redis-server.js";
import { countStored, question } from "./faulted-run.fixture.js";

const MEMORY = 8 * 2 ** 20;

describe("everything that is logged arrives in Redis", () => {
  let server: RedisServer;
  let folder: string;
  let store: InteractionStore;
  beforeEach(async () => {
    server = await startRedis();
    folder = mkdtempSync(join(tmpdir(), "whetstone-pace-"));
    store = openStore(server.url);
  });
  afterEach(async () => {
    await store.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("of 20,000 calls in one turn of the event loop", async () => {
    const run = await logged("20,000 calls in one turn", 20_000, { perTurn: Infinity });
    expect(run).toMatchObject({ stored: 20_000, duplicated: 0, lost: 0, dropped: 0 });
  });

  it("of 20,000 calls as fast as they go", async () => {
    const run = await logged("20,000 calls, 100 a turn", 20_000, { perTurn: 100 });
    expect(run).toMatchObject({ stored: 20_000, duplicated: 0, lost: 0, dropped: 0 });
  });

  it("of 10,000 calls a second, for two seconds", async () => {
    const run = await logged("10,000 calls a second", 20_000, { perTurn: 50, pauseMs: 5 });
    expect(run).toMatchObject({ stored: 20_000, duplicated: 0, lost: 0, dropped: 0 });
  });

  it.each(["hangs", "is down"])(
    "of 20,000 calls as fast as they go while it %s, within 8 MiB of memory",
    async (how) => {
      if (how === "hangs") server.pause();
      else await server.kill();
      const run = await logged(`20,000 calls while Redis ${how}`, 20_000, {
        perTurn: 100,
        maxQueueBytes: MEMORY,
        afterwards: async () => (how === "hangs" ? server.resume() : server.start()),
      });
      expect(run).toMatchObject({ stored: 20_000, duplicated: 0, lost: 0, dropped: 0 });
      expect(run.peakQueuedBytes).toBeLessThanOrEqual(MEMORY);
    },
  );

  async function logged(
    name: string,
    count: number,
    {
      perTurn,
      pauseMs = 0,
      afterwards,
      ...options
    }: LoggerOptions & {
      readonly perTurn: number;
      readonly pauseMs?: number;
      readonly afterwards?: () => Promise<void>;
    },
  ) {
    const logger = createInteractionLogger({ store, spoolDirectory: folder, onError: () => undefined, ...options });
    const ids: string[] = [];
    let peakQueuedBytes = 0;
    while (ids.length < count) {
      const until = Math.min(count, ids.length + perTurn);
      while (ids.length < until) ids.push(logger.log(question(ids.length)));
      peakQueuedBytes = Math.max(peakQueuedBytes, logger.stats().queuedBytes);
      await (pauseMs > 0 ? sleep(pauseMs) : nextTurn());
    }
    await afterwards?.();
    await logger.flush({ timeoutMs: 120_000 });
    const { dropped } = logger.stats();
    await logger.close();
    const { stored, duplicated, lost } = await countStored(store, ids);
    const mebibytes = (peakQueuedBytes / 2 ** 20).toFixed(1);
    console.log(
      `| ${name} | ${count} | ${stored} | ${duplicated} | ${lost} | | at most ${mebibytes} MiB waited in memory`,
    );
    return { stored, duplicated, lost, dropped: dropped.queueFull ?? 0, peakQueuedBytes };
  }
});
