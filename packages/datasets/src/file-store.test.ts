import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileStore, memoryStore } from "@whetstone/core";
import { expect, it } from "vitest";
import { buildDpoDataset } from "./dpo.js";
import { buildGrpoDataset } from "./grpo.js";
import { collect, interaction, START } from "./recorded.fixture.js";
import { buildSftDataset } from "./sft.js";

it("builds the same rows out of a folder as out of memory", async () => {
  const folder = await mkdtemp(join(tmpdir(), "whetstone-datasets-"));
  const records = Array.from({ length: 500 }, (_, i) =>
    interaction({
      query: `q${i % 90}`,
      answer: `é ${i} \u2028`,
      overall: ((i * 7) % 11) / 10,
      timestamp: START + 86_400_000 * (i % 3) + (i % 5),
      ...(i % 9 === 0 && { tools: [{ type: "function" as const, function: { name: "look" } }] }),
    }),
  ).filter(({ qualityScores }) => (qualityScores.overall ?? 0) <= 1);
  const [inMemory, inFolder] = [memoryStore(), fileStore(folder)];
  await inMemory.append(records);
  await inFolder.append(records);
  const late = records.slice(0, 50).map(({ interactionId }, i) => ({
    interactionId,
    kind: "score" as const,
    source: "judge:m@r",
    at: START,
    scores: { overall: (i % 10) / 10 },
  }));
  await inMemory.annotate(late);
  await inFolder.annotate(late);
  for (const build of [buildSftDataset, buildDpoDataset, buildGrpoDataset]) {
    const [expected, found] = [build(inMemory), build(inFolder)];
    const rows = await collect<object>(expected);
    expect(rows.length).toBeGreaterThan(20);
    expect(await collect<object>(found)).toEqual(rows);
    expect(found.report).toEqual(expected.report);
  }
  await inFolder.close();
  await rm(folder, { recursive: true, force: true });
});
