import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { NOW, runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

const DAY_MS = 86_400_000;

it("writes a file a day that DuckDB reads, with the score that counts and everything else", async () => {
  const cwd = temporaryFolder();
  await recorded(
    cwd,
    interaction({ interactionId: "a", qualityScores: { overall: 0.25 }, metadata: { region: "eu" } }),
    interaction({ interactionId: "b", timestamp: NOW - DAY_MS, agentType: "code", toolsUsed: ["run", "test"] }),
    interaction({ interactionId: "c", timestamp: NOW - DAY_MS, answer: "it's 42 – é\n", errorOccurred: true }),
  );
  await runInProcess(["feedback", "a", "--rating", "1"], { cwd });
  const told = await runJson(["export", "--parquet", "days"], { cwd });
  expect(told).toMatchObject({ interactions: 3 });
  expect(readdirSync(join(cwd, "days"))).toEqual(["2026-01-31.parquet", "2026-02-01.parquet"]);

  const rows = await ask(
    `select interaction_id, agent_type, answer, overall, score_source, error_occurred,
       epoch_ms(timestamp)::double as at, tools_used->>1 as second_tool, metadata->>'region' as region
     from '${cwd}/days/*.parquet' order by interaction_id`,
  );
  const common = { agent_type: "math", answer: "42", error_occurred: false, at: NOW, second_tool: null, region: null };
  const unscored = { overall: null, score_source: null };
  expect(rows).toEqual([
    { ...common, interaction_id: "a", overall: 1, score_source: expect.stringMatching(/^human:/), region: "eu" },
    { ...common, ...unscored, interaction_id: "b", agent_type: "code", at: NOW - DAY_MS, second_tool: "test" },
    { ...common, ...unscored, interaction_id: "c", answer: "it's 42 – é\n", at: NOW - DAY_MS, error_occurred: true },
  ]);
});

it("replaces the days of an earlier export and leaves other files alone", async () => {
  const cwd = temporaryFolder();
  await recorded(cwd, interaction({ interactionId: "a" }));
  await runInProcess(["export", "--parquet", "."], { cwd });
  writeFileSync(join(cwd, "notes.txt"), "mine");
  await recorded(cwd, interaction({ interactionId: "b" }));
  expect((await runInProcess(["export", "--parquet", "."], { cwd })).stdout).toContain("2 interactions in 1 file");
  expect(await ask(`select count(*)::int as rows from '${cwd}/*.parquet'`)).toEqual([{ rows: 2 }]);
  expect(readdirSync(cwd).sort()).toEqual([".whetstone", "2026-02-01.parquet", "notes.txt"]);
});

it("says where it cannot write", async () => {
  const cwd = temporaryFolder();
  await recorded(cwd, interaction({}));
  writeFileSync(join(cwd, "file"), "");
  expect(await runInProcess(["export", "--parquet", "file/days"], { cwd })).toMatchObject({
    exitCode: ExitCode.failed,
    stderr: expect.stringContaining("a part of its path is a file"),
  });
  expect(await runInProcess(["export"], { cwd })).toMatchObject({ exitCode: ExitCode.usage });
});

async function ask(sql: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJS();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
