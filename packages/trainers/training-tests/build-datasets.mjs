// Writes a dataset of every kind out of a store: `node build-datasets.mjs FOLDER` with interactions as JSON on stdin.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const built = (name) => import(new URL(`../../${name}/dist/index.js`, import.meta.url).href);
const [, , folder] = process.argv;
const { memoryStore } = await built("core");
const datasets = await built("datasets");

const store = memoryStore();
await store.append(JSON.parse(readFileSync(0, "utf8")));
const builds = {
  sft: datasets.buildSftDataset(store, { minQuality: 0.9 }),
  dpo: datasets.buildDpoDataset(store),
  kto: datasets.buildKtoDataset(store, { minQuality: 0.9, maxQuality: 0.1 }),
  reward: datasets.buildRewardDataset(store),
  grpo: datasets.buildOnlineGrpoDataset(store),
  "grpo-offline": datasets.buildGrpoDataset(store),
};
for (const [kind, build] of Object.entries(builds)) {
  await datasets.writeDataset(build, join(folder, kind), { testShare: 0.15 });
}
await store.close();
