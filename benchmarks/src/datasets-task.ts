/** Runs one measured task of `bench:datasets` in this process and sends what it took to the parent. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "@whetstone/core";
import {
  buildDpoDataset,
  buildGrpoDataset,
  buildKtoDataset,
  buildOnlineGrpoDataset,
  buildRewardDataset,
  buildSftDataset,
  type DatasetBuild,
  writeDataset,
} from "@whetstone/datasets";
import { promptHash } from "../../packages/core/src/prompt-key.js";
import { keySet } from "../../packages/datasets/src/key-set.js";
import { similarTexts } from "../../packages/datasets/src/similar-texts.js";
import { corpus } from "./corpus.js";
import { bringToMemory, type Measurement, measure, readAndParse } from "./measure.js";

/** The store is a URL, the outputs go to a folder, and of the store's files `root` is where they lie. */
const [task = "", url = "", folder = "", root = "", count = "0"] = process.argv.slice(2);

const ALONE = { maxSimilarAnswers: Infinity };
type Store = ReturnType<typeof openStore>;

/** Every method by name; `-alone` does not compare answers with each other. */
const BUILDS: Record<string, (store: Store) => DatasetBuild<object>> = {
  sft: (store) => buildSftDataset(store),
  "sft-alone": (store) => buildSftDataset(store, ALONE),
  dpo: (store) => buildDpoDataset(store),
  "dpo-alone": (store) => buildDpoDataset(store, ALONE),
  grpo: (store) => buildGrpoDataset(store),
  "grpo-online": (store) => buildOnlineGrpoDataset(store),
  kto: (store) => buildKtoDataset(store),
  reward: (store) => buildRewardDataset(store),
};

/** Everything that `datasets.ts` can run, by name, beside the builds. */
const TASKS: Record<string, () => Promise<Measurement>> = {
  "read-parse": () => measure(() => readAndParse(root)),
  // Every rule that reads texts, and a folder with a test part, whose rows are written twice.
  "sft-all": () => {
    const evals = join(folder, "evals.jsonl");
    const rows = Array.from({ length: 1_000 }, (_, i) =>
      JSON.stringify({ question: `What is ${i} apples and ${i} pears?` }),
    );
    writeFileSync(evals, `${rows.join("\n")}\n`);
    return written((store) => buildSftDataset(store, { decontaminate: [evals] }), join(folder, "sft-all"), 0.1);
  },
  "prompts-exact": async () => {
    const prompts = distinctPrompts();
    const words = new Uint32Array(2);
    return measure(() => {
      const seen = keySet();
      let distinct = 0;
      for (const query of prompts) {
        promptHash({ agentType: "math", query }, words, 0);
        if (seen.add(words[0] as number, words[1] as number)) distinct += 1;
      }
      if (distinct !== prompts.length) throw new Error(`${prompts.length - distinct} prompts were taken for others`);
      return distinct;
    });
  },
  "prompts-similar": async () => {
    const prompts = distinctPrompts();
    return measure(() => {
      const texts = similarTexts();
      for (const prompt of prompts) texts.add(prompt);
      // Texts wait to be compared until someone asks.
      for (let text = 0; text < texts.length; text++) texts.clusterOf(text);
      return prompts.length;
    });
  },
};

if (root !== "") bringToMemory(root);
const build = BUILDS[task];
const measured = await (build ? written(build, join(folder, `${task}.jsonl`)) : TASKS[task]?.());
if (!measured) throw new Error(`no task is called "${task}"`);
process.send?.(measured);

async function written(
  build: (store: Store) => DatasetBuild<object>,
  path: string,
  testShare?: number,
): Promise<Measurement> {
  const store = openStore(url);
  const result = await measure(async () => (await writeDataset(build(store), path, { testShare })).rows);
  await store.close();
  rmSync(path, { recursive: true });
  return result;
}

function distinctPrompts(): readonly string[] {
  const prompts = new Set<string>();
  for (const { query } of corpus(Number(count))) prompts.add(query);
  return [...prompts];
}
