import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileStore } from "@whetstone/core";
import { expect, it } from "vitest";
import { runJson } from "./testing/run-in-process.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

const data = process.env.WHETSTONE_REAL_DATA ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const file = join(data, "gsm8k-solutions.jsonl");

// One row is a question, its ground truth, and the answers of four models under their names.
const map = `export default ({ question, ground_truth, ...models }) =>
  Object.entries(models).map(([model, { solution, is_correct }]) => ({
    query: question,
    answer: solution,
    reference: ground_truth,
    agentType: "math",
    model,
    metadata: { is_correct },
  }));
`;

it.skipIf(!existsSync(file))(
  `makes pairs and groups of 900 real questions with four answers each (skipped where ${file} is absent)`,
  { timeout: 120_000 },
  async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, "map.mjs"), map);

    const imported = await runJson(["import", file, "--map", "map.mjs"], { cwd });
    expect(imported).toMatchObject({ rows: 900, stored: 3600, duplicates: 0, failed_rows: 0, altered: 0 });
    expect(await runJson(["import", file, "--map", "map.mjs"], { cwd })).toMatchObject({ stored: 0, duplicates: 3600 });

    const scored = await runJson(["score", "--scorer", "math"], { cwd });
    expect(scored).toMatchObject({ considered: 3600, scored: 3600, skipped: 0, unscored: 0, failed: 0 });
    expect(await disagreements(join(cwd, ".whetstone"))).toEqual([]);

    const pairs = await runJson(["dataset", "dpo"], { cwd });
    expect(pairs).toMatchObject({ rows: 503, considered: 3600, prompts: 900 });
    const truth = correctness();
    for (const { prompt, chosen, rejected } of rowsOf(join(cwd, "datasets", "dpo.jsonl"))) {
      const answers = truth.get(prompt.at(-1).content);
      expect([answers?.get(chosen.at(-1).content), answers?.get(rejected.at(-1).content)]).toEqual([true, false]);
    }

    const groups = await runJson(["dataset", "grpo", "--group-size", "4"], { cwd });
    expect(groups).toMatchObject({ rows: 503, prompts: 900, drops: { zero_variance: 397 } });
    for (const { responses } of rowsOf(join(cwd, "datasets", "grpo.jsonl"))) expect(responses).toHaveLength(4);
  },
);

/** The interactions whose verdict is not the one that the data set gives. */
async function disagreements(folder: string): Promise<string[]> {
  const store = fileStore(folder);
  const found: string[] = [];
  for await (const batch of store.query()) {
    for (const { interactionId, metadata, annotations = [] } of batch) {
      const [verdict] = annotations;
      const overall = verdict?.kind === "score" ? verdict.scores.overall : undefined;
      if (overall !== (metadata?.is_correct ? 1 : 0)) found.push(interactionId);
    }
  }
  await store.close();
  return found;
}

/** Question → answer → whether the data set calls it right. */
function correctness(): ReadonlyMap<string, ReadonlyMap<string, boolean>> {
  return new Map(
    rowsOf(file).map(({ question, ground_truth: _, ...models }) => [
      question.trim(),
      new Map(
        Object.values(models as Record<string, { solution: string; is_correct: boolean }>).map((answer) => [
          answer.solution,
          answer.is_correct,
        ]),
      ),
    ]),
  );
}

// biome-ignore lint/suspicious/noExplicitAny: rows of a JSON file, whose shape the assertions check
function rowsOf(path: string): any[] {
  return readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}
