import { memoryStore, openStore } from "@whetstone/core";
import { hasRedisServer, startRedis, startRedisCluster } from "@whetstone/core/testing";
import { describe, expect, it } from "vitest";
import { buildDpoDataset } from "./dpo.js";
import { buildGrpoDataset } from "./grpo.js";
import { collect, interaction, START } from "./recorded.fixture.js";
import { buildSftDataset } from "./sft.js";

describe.runIf(hasRedisServer()).each([
  ["a single server", () => startRedis()],
  ["a cluster", () => startRedisCluster()],
])("out of Redis, %s,", (_, start) => {
  it("the same rows are built as out of memory", async () => {
    await using place = await start();
    const records = Array.from({ length: 500 }, (_, i) =>
      interaction({
        query: `q${i % 90}`,
        answer: `é ${i} \u2028`,
        overall: ((i * 7) % 11) / 10,
        timestamp: START + 86_400_000 * (i % 3) + i,
      }),
    );
    const [inMemory, inRedis] = [memoryStore(), openStore(place.url)];
    const late = records.slice(0, 50).map(({ interactionId }, i) => ({
      interactionId,
      kind: "score" as const,
      source: "judge:m@r",
      at: START,
      scores: { overall: (i % 10) / 10 },
    }));
    for (const store of [inMemory, inRedis]) {
      await store.append(records);
      await store.annotate(late);
    }
    for (const build of [buildSftDataset, buildDpoDataset, buildGrpoDataset]) {
      const [expected, found] = [build(inMemory), build(inRedis)];
      const rows = await collect<object>(expected);
      expect(rows.length).toBeGreaterThan(20);
      expect(await collect<object>(found)).toEqual(rows);
      expect(found.report).toEqual(expected.report);
    }
    await inRedis.close();
  });
});
