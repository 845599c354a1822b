import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStore } from "../../open-store.js";
import { startRedisCluster } from "../../testing/redis-cluster.js";
import { hasRedisServer, startRedis } from "../../testing/redis-server.js";

const child = fileURLToPath(new URL("./redis-writer.fixture.ts", import.meta.url));
const run = promisify(execFile);
const PROCESSES = ["one", "two", "three", "four"];
const EACH = 600;

interface Done {
  readonly stored: number;
  readonly scored: number;
  readonly high: number;
  readonly errors: number;
  readonly sum: number;
}

describe.runIf(hasRedisServer()).each([
  ["a single server", () => startRedis()],
  ["a cluster", () => startRedisCluster()],
])("several processes that log and score into %s at once", (name, start) => {
  let place: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    place = await start();
  });
  afterAll(() => place.stop());

  it("store and count everything exactly once", async () => {
    const outputs = await Promise.all(
      PROCESSES.map((process_) => run(process.execPath, ["--import", "tsx", child, place.url, process_, String(EACH)])),
    );
    const all = outputs.map(({ stdout }) => JSON.parse(stdout) as Done);
    const sum = (of: (done: Done) => number) => all.reduce((total, done) => total + of(done), 0);
    const store = openStore(place.url);
    const stats = await store.stats();
    const shared = EACH / 10;
    console.log(
      `${PROCESSES.length} processes on ${name}: stored ${stats.totalInteractions}, said to be stored ${sum((d) => d.stored)}, ` +
        `scored ${stats.totalInteractions - stats.unscoredCount} of ${sum((d) => d.scored)}`,
    );
    expect(stats.totalInteractions).toBe(PROCESSES.length * (EACH - shared) + shared);
    expect(sum((done) => done.stored)).toBe(stats.totalInteractions);
    expect(stats.agentStats.shared?.count).toBe(shared);
    expect(stats.unscoredCount).toBe(shared);
    expect(stats.highQualityCount).toBe(sum((done) => done.high));
    for (const [i, done] of all.entries()) {
      const agent = stats.agentStats[PROCESSES[i] ?? ""];
      expect(agent).toMatchObject({ count: done.scored, highQualityCount: done.high, errorCount: done.errors });
      expect(agent?.averageQuality).toBeCloseTo(done.sum / done.scored, 10);
    }

    // The index, the records and the counts that were kept by the hour say the same.
    let [indexed, high] = [0, 0];
    const ids = new Set<string>();
    for await (const batch of store.scanIndex()) {
      indexed += batch.length;
      high += batch.overall.filter((overall) => overall >= 0.8).length;
      for await (const records of store.fetch(batch.refs)) {
        for (const { interaction } of records) ids.add(interaction.interactionId);
      }
    }
    expect([indexed, high, ids.size]).toEqual([stats.totalInteractions, stats.highQualityCount, indexed]);
    expect(await store.stats()).toEqual(stats);
    await store.close();
  });
});
