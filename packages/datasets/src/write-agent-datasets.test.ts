import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { buildDpoDataset } from "./dpo.js";
import { interaction, storeOf } from "./recorded.fixture.js";
import { buildSftDataset } from "./sft.js";
import { writeAgentDatasets } from "./write-agent-datasets.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "whetstone-agents-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const recorded = () =>
  storeOf([
    ...["math", "code", "customer care/EU", "customer care_EU"].flatMap((agentType) =>
      [0, 1, 2].map((i) => interaction({ agentType, query: `q${i}`, overall: 1 })),
    ),
    interaction({ agentType: "idle" }),
  ]);

it("writes a folder for each agent type, each with its own books, and says which had nothing", async () => {
  const store = await recorded();
  const path = join(folder, "sets");
  const { written, empty } = await writeAgentDatasets(store, (options) => buildSftDataset(store, options), path);
  expect((await readdir(path)).sort()).toEqual(["code", "customer_care_EU", "customer_care_EU-2", "math"]);
  expect(Object.keys(written)).toEqual(["code", "customer care/EU", "customer care_EU", "math"]);
  for (const [agentType, { rows, report, path: at }] of Object.entries(written)) {
    expect([rows, report?.considered]).toEqual([3, 3]);
    const lines = (await readFile(join(at, "train.jsonl"), "utf8")).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).metadata.agent_type)).toEqual([agentType, agentType, agentType]);
  }
  expect(empty).toEqual({ idle: expect.stringMatching(/0 sft rows from 1 interaction; left out: 1 unscored/) });
});

it("writes nothing where one of the folders is there already, unless told to replace it", async () => {
  const store = await recorded();
  const write = (agentTypes?: string[], overwrite = false) =>
    writeAgentDatasets(store, (options) => buildSftDataset(store, options), folder, { agentTypes, overwrite });
  await write(["math"]);
  await expect(write()).rejects.toThrow(/math holds a dataset already/);
  expect(await readdir(folder)).toEqual(["math"]);
  await write(undefined, true);
  expect(await readdir(folder)).toHaveLength(4);
});

it("names folders as agents are named, in any script", async () => {
  const names = ["数学 1", "物理", "é/è", "🤖", "x".repeat(120)];
  const store = await storeOf(names.map((agentType) => interaction({ agentType, overall: 1 })));
  await writeAgentDatasets(store, (options) => buildSftDataset(store, options), folder);
  expect((await readdir(folder)).sort()).toEqual(["_", "x".repeat(50), "é_è", "数学_1", "物理"].sort());
});

it("needs a folder, and a row", async () => {
  const store = await recorded();
  const build = (options: object) => buildDpoDataset(store, options);
  await expect(writeAgentDatasets(store, build, join(folder, "x.jsonl"))).rejects.toThrow(
    /every agent type gets a folder/,
  );
  await expect(writeAgentDatasets(store, build, folder)).rejects.toMatchObject({ code: "DATASET_EMPTY" });
  expect(await readdir(folder)).toEqual([]);
});
