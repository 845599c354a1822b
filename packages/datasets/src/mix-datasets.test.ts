import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "@whetstone/core";
import { expect, it } from "vitest";
import { buildDpoDataset } from "./dpo.js";
import { mixDatasets } from "./mix-datasets.js";
import { collect, interaction, storeOf } from "./recorded.fixture.js";
import { buildSftDataset } from "./sft.js";
import { writeDataset } from "./write-dataset.js";

const recorded = () =>
  storeOf([
    ...Array.from({ length: 400 }, (_, i) => interaction({ agentType: "math", query: `m${i}`, overall: 1 })),
    ...Array.from({ length: 30 }, (_, i) =>
      interaction({
        agentType: "code",
        query: `c${i}`,
        overall: 1,
        groupId: `task ${i}`,
        tools: [{ type: "function", function: { name: "run" } }],
      }),
    ),
  ]);

it("interleaves builds in the proportion of their weights until one runs out, and counts what is left over", async () => {
  const store = await recorded();
  const of = (agentType: string) => buildSftDataset(store, { agentTypes: [agentType] });
  const mix = mixDatasets([
    { build: of("math"), weight: 3 },
    { build: of("code"), weight: 1 },
  ]);
  const rows = await collect(mix);
  const agents = rows.map(({ metadata }) => metadata.agent_type);
  for (let end = 4; end <= 120; end += 4) {
    expect(agents.slice(0, end).filter((agent) => agent === "code")).toHaveLength(end / 4);
  }
  expect(rows.length).toBeGreaterThanOrEqual(120);
  expect(rows.length).toBeLessThan(124);
  expect(mix.report).toMatchObject({ kind: "sft", rows: rows.length, considered: 430, used: rows.length });
  expect(mix.report.unused).toBe(430 - rows.length);
  expect(mix.report.scoreSources).toEqual({ logged: rows.length });
  expect(new Set(rows.map((row) => Object.keys(row).join())).size).toBe(1);
  expect(new Set(rows.map(({ metadata }) => Object.keys(metadata).join())).size).toBe(1);
  expect(rows[0]).toMatchObject({ tools: null, metadata: { group_id: null, agent_type: "math" } });
});

it("is written like any other build, with the parts in its manifest", async () => {
  const folder = await mkdtemp(join(tmpdir(), "whetstone-mix-"));
  const store = await recorded();
  const of = (agentType: string) => buildSftDataset(store, { agentTypes: [agentType] });
  const parts = () => ["code", "math"].map((agentType) => ({ build: of(agentType), weight: 1 }));
  for (const name of ["one", "two"]) await writeDataset(mixDatasets(parts()), join(folder, name), { testShare: 0.2 });
  const files = (name: string) =>
    Promise.all(
      ["train.jsonl", "test.jsonl", "manifest.json"].map((file) => readFile(join(folder, name, file), "utf8")),
    );
  expect(await files("one")).toEqual(await files("two"));
  const [train = "", , manifest = ""] = await files("one");
  expect(train).toContain('"quality_score":1.0');
  expect(JSON.parse(manifest).options.mix).toMatchObject([
    { weight: 1, agent_types: ["code"] },
    { weight: 1, agent_types: ["math"] },
  ]);
  await rm(folder, { recursive: true });
});

it("refuses what makes no mix, and names the part without a row", async () => {
  const store = await recorded();
  const build = () => buildSftDataset(store);
  expect(() => mixDatasets([])).toThrow(/a mix has 0 parts/);
  expect(() => mixDatasets([{ build: build(), weight: 1 }])).toThrow(ConfigError);
  expect(() => mixDatasets([0, 1].map((weight) => ({ build: build(), weight })))).toThrow(/a weight is 0/);
  const other: object = buildDpoDataset(store);
  const parts = [build(), other as ReturnType<typeof build>].map((part) => ({ build: part, weight: 1 }));
  expect(() => mixDatasets(parts)).toThrow(/a mix has sft and dpo parts/);
  const empty = buildSftDataset(store, { agentTypes: ["rag"] });
  const mix = mixDatasets([build(), empty].map((part) => ({ build: part, weight: 1 })));
  await expect(collect(mix)).rejects.toThrow("part 2 of the mix has no row: 0 sft rows from 0 interactions");
});

it("keeps the books of prompts balanced too", async () => {
  const pairs = (agentType: string, count: number) =>
    Array.from({ length: count }, (_, i) =>
      [1, 0].map((overall) => interaction({ agentType, query: `q${i}`, answer: `${overall}`, overall })),
    ).flat();
  const store = await storeOf([...pairs("math", 700), ...pairs("code", 20), interaction({ query: "x", overall: 1 })]);
  const parts = ["math", "code"].map((agentType) => ({
    weight: 1,
    build: buildDpoDataset(store, { agentTypes: [agentType] }),
  }));
  const mix = mixDatasets(parts);
  const rows = await collect(mix);
  const { prompts, promptsUsed, used, unused, considered, drops } = mix.report;
  expect({ rows: rows.length, prompts, promptsUsed, used, unused, considered }).toEqual({
    rows: 41,
    prompts: 721,
    promptsUsed: 41,
    used: 82,
    unused: 1441 - 82,
    considered: 1441,
  });
  expect(drops).toMatchObject({ singleAnswer: 1, overLimit: 679 });
});

it("names the top contributors of all parts", async () => {
  const of = (agentType: string, userId: string, count: number) =>
    Array.from({ length: count }, (_, i) => interaction({ agentType, userId, query: `${userId}${i}`, overall: 1 }));
  const store = await storeOf([...of("math", "ann", 5), ...of("code", "bob", 7), ...of("code", "ann", 4)]);
  const builds = ["math", "code"].map((agentType) => buildSftDataset(store, { agentTypes: [agentType] }));
  const mix = mixDatasets(builds.map((build, i) => ({ build, weight: i === 0 ? 5 : 11 })));
  await collect(mix);
  // By pseudonym: Ann's of both parts, then Bob's.
  expect(mix.report.topContributors.map(({ interactions }) => interactions)).toEqual([9, 7]);
});
