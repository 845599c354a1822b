// The whole line as an ES module, with nothing installed but the tarballs.
import assert from "node:assert/strict";
import { wrapAgent } from "@whetstone/agent-wrappers";
import { createInteractionLogger, memoryStore } from "@whetstone/core";
import { buildSftDataset } from "@whetstone/datasets";
import { createApp } from "@whetstone/server";
import { generateTrainingScript } from "@whetstone/trainers";

const store = memoryStore();
const logger = createInteractionLogger({ store });

const answer = wrapAgent(async (question) => `${question} is 120`, { logger, agentType: "math" });
assert.equal(await answer("80 * 1.5"), "80 * 1.5 is 120");
logger.log({ query: "6 * 7", answer: "42", agentType: "math", qualityScores: { overall: 0.9 } });
const { stored, dropped } = await logger.close();
assert.deepEqual({ stored, dropped }, { stored: 2, dropped: 0 });

const rows = [];
for await (const row of buildSftDataset(store)) rows.push(row);
assert.equal(rows.length, 1, "the scored interaction is a row, the unscored one is not");
assert.deepEqual(
  rows[0].messages.map(({ role, content }) => [role, content]),
  [
    ["user", "6 * 7"],
    ["assistant", "42"],
  ],
);

const script = generateTrainingScript("sft", { datasetPath: "./data", outputDir: "./out" });
assert.match(script, /SFTTrainer/);

const response = await createApp({ store, tokens: false }).request("http://localhost/api/v1/training/stats");
assert.equal((await response.json()).total_interactions, 2);

await store.close();
console.log("ok");
