import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { agentDatasetsIn, saveAgentScripts } from "./agent-scripts.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "whetstone-agents-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

it("writes one script for each agent, each with its own rows and its own place for the model", async () => {
  const saved = await saveAgentScripts("dpo", {
    agents: [{ agentType: "math" }, { agentType: "support/tier 1", datasetPath: "./own" }],
    path: join(folder, "train.py"),
    datasetPath: "./d",
    outputDir: "./models/",
    config: { numEpochs: 2 },
  });
  expect(saved.map(({ agentType, scriptPath }) => [agentType, scriptPath])).toEqual([
    ["math", join(folder, "train-math.py")],
    ["support/tier 1", join(folder, "train-support-tier-1.py")],
  ]);
  const configs = await Promise.all(
    saved.map(async ({ scriptPath }) => JSON.parse((await readFile(scriptPath, "utf8")).split('"""')[3] ?? "")),
  );
  expect(configs).toMatchObject([
    { agent_type: "math", dataset_path: "./d", output_dir: "./models-math", num_train_epochs: 2 },
    { agent_type: "support/tier 1", dataset_path: "./own", output_dir: "./models-support-tier-1" },
  ]);
  expect((await readdir(folder)).filter((name) => name.endsWith(".yaml"))).toHaveLength(2);
});

it("refuses agents that would share a file", async () => {
  const save = saveAgentScripts("sft", {
    agents: [{ agentType: "a b" }, { agentType: "a-b" }],
    path: join(folder, "x.py"),
    datasetPath: "./d",
  });
  await expect(save).rejects.toThrow('the agent types "a b" and "a-b" would share one file');
  expect(await readdir(folder)).toEqual([]);
});

it("finds the agents that a dataset's rows name", async () => {
  const rows = ["math", "code", "math"].map((agent_type) => JSON.stringify({ messages: [], metadata: { agent_type } }));
  await writeFile(join(folder, "train.jsonl"), `${rows.join("\n")}\n{"messages": []}\n`);
  const found = (datasetPath: string) => ["math", "code"].map((agentType) => ({ agentType, datasetPath }));
  expect(await agentDatasetsIn(folder)).toEqual(found(folder));
  expect(await agentDatasetsIn("train.jsonl", folder)).toEqual(found("train.jsonl"));
  await expect(agentDatasetsIn(join(folder, "gone"))).rejects.toThrow(/cannot be read: ENOENT/);
});

it("finds the agents that have a dataset folder each", async () => {
  for (const agent_type of ["math", "a b"]) {
    await mkdir(join(folder, "all", agent_type.replace(" ", "_")), { recursive: true });
    const row = JSON.stringify({ messages: [], metadata: { agent_type } });
    await writeFile(join(folder, "all", agent_type.replace(" ", "_"), "train.jsonl"), `${row}\n`);
  }
  expect(await agentDatasetsIn("all/", folder)).toEqual([
    { agentType: "a b", datasetPath: "all/a_b" },
    { agentType: "math", datasetPath: "all/math" },
  ]);
});
