import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Annotation, fileStore, type Interaction, type InteractionStore, memoryStore } from "@whetstone/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { datasetStats } from "./dataset-stats.js";
import { buildDpoDataset } from "./dpo.js";
import { buildGrpoDataset } from "./grpo.js";
import { collect, dropsOf, interaction } from "./recorded.fixture.js";
import { buildSftDataset } from "./sft.js";

const data = process.env.WHETSTONE_REAL_DATA ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const file = `${data}/gsm8k-solutions.jsonl`;

const models = ["6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"];

const folder = mkdtempSync(join(tmpdir(), "whetstone-gsm8k-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!existsSync(file)).each<[string, () => InteractionStore]>([
  ["memory store", memoryStore],
  ["file store", () => fileStore(folder)],
])(`900 real questions with four answers each in a %s (skipped without ${file})`, (_, openStore) => {
  let loaded: Awaited<ReturnType<typeof recorded>>;
  beforeAll(async () => {
    loaded = await recorded();
  });

  async function recorded() {
    const records: Interaction[] = [];
    const verdicts: Annotation[] = [];
    for (const line of readFileSync(file, "utf8").trimEnd().split("\n")) {
      const row = JSON.parse(line);
      for (const variant of models) {
        const record = interaction({ query: row.question, answer: row[variant].solution, variant });
        const { interactionId, timestamp: at } = record;
        const scores = { overall: row[variant].is_correct ? 1 : 0 };
        records.push(record);
        verdicts.push({ interactionId, kind: "score", source: "verifier:math", at, scores });
      }
    }
    const store = openStore();
    await store.append(records);
    await store.annotate(verdicts);
    return { store, verdictOf: new Map(verdicts.map((said) => [said.interactionId, said])) };
  }

  it("gives 503 preference pairs, a right answer over a wrong one", async () => {
    const { store, verdictOf } = loaded;
    const build = buildDpoDataset(store);
    const rows = await collect(build);
    expect(rows).toHaveLength(503);
    for (const { metadata } of rows) {
      expect(verdictOf.get(metadata.chosen_interaction_id)).toMatchObject({ scores: { overall: 1 } });
      expect(verdictOf.get(metadata.rejected_interaction_id)).toMatchObject({ scores: { overall: 0 } });
      expect(metadata.chosen_score_source).toBe("verifier:math");
    }
    expect(dropsOf(build.report)).toEqual({ gapTooSmall: 397 });
    expect(build.report).toMatchObject({ considered: 3600, used: 1006, unused: 2594, prompts: 900 });
  });

  it("gives 503 groups of four with signal, and drops 397 without", async () => {
    const { store } = loaded;
    const build = buildGrpoDataset(store);
    const rows = await collect(build);
    expect(rows).toHaveLength(503);
    expect(rows.every(({ responses }) => responses.length === 4)).toBe(true);
    expect(dropsOf(build.report)).toEqual({ zeroVariance: 397 });
  });

  it("knows all that beforehand", async () => {
    const { store } = loaded;
    const { potentialDatasets, highQualityCount } = await datasetStats(store);
    expect(potentialDatasets).toEqual({ sftSamples: highQualityCount, dpoPairs: 503, grpoGroups: 503 });
    const sft = buildSftDataset(store);
    const rows = (await collect(sft)).length;
    expect(rows + sft.report.drops.duplicateAnswer).toBe(highQualityCount);
  });
});
