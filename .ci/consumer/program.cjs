// The same line through `require`, with the one package that brings all of it.
const assert = require("node:assert/strict");
const whetstone = require("whetstone");

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});

async function main() {
  const { buildDpoDataset, createInteractionLogger, generateTrainingScript, memoryStore, wrapAgent } = whetstone;
  const store = memoryStore();
  const logger = createInteractionLogger({ store });

  const answer = wrapAgent((question) => `${question} is 120`, { logger, agentType: "math" });
  assert.equal(answer("80 * 1.5"), "80 * 1.5 is 120", "a function that was not async is not async now");
  for (const [text, overall] of [
    ["42", 1],
    ["41", 0],
  ]) {
    logger.log({ query: "6 * 7", answer: text, agentType: "math", qualityScores: { overall } });
  }
  assert.equal((await logger.close()).stored, 3);

  const rows = [];
  for await (const row of buildDpoDataset(store)) rows.push(row);
  assert.equal(rows.length, 1);
  assert.deepEqual([rows[0].chosen[0].content, rows[0].rejected[0].content], ["42", "41"]);
  assert.match(generateTrainingScript("dpo", { datasetPath: "./data", outputDir: "./out" }), /DPOTrainer/);

  const core = require("@whetstone/core");
  assert.equal(whetstone.StoreError, core.StoreError, "one copy of the core serves both names");
  await store.close();
  await assert.rejects(
    store.stats(),
    (error) => core.WhetstoneError.isInstance(error) && error.code === "STORE_CLOSED",
  );
  console.log("ok");
}
