import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { NOW, runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

async function store() {
  const cwd = temporaryFolder();
  await recorded(
    cwd,
    interaction({ interactionId: "a", qualityScores: { overall: 0.9 } }),
    interaction({ interactionId: "b", qualityScores: { overall: 0.5 }, timestamp: NOW - 5 * 86_400_000 }),
    interaction({ interactionId: "c", agentType: "code", errorOccurred: true }),
  );
  return cwd;
}

it("prints the figures of the REST answer with --json", async () => {
  expect(await runJson(["stats"], { cwd: await store() })).toEqual({
    total_interactions: 3,
    high_quality_count: 1,
    error_count: 1,
    unscored_count: 1,
    high_quality_rate: 1 / 3,
    error_rate: 1 / 3,
    agent_stats: {
      code: { count: 1, high_quality_count: 0, error_count: 1, average_quality: null },
      math: { count: 2, high_quality_count: 1, error_count: 0, average_quality: 0.7 },
    },
  });
});

it("prints a line and a table for people", async () => {
  const run = await runInProcess(["stats"], { cwd: await store() });
  expect(run.stdout).toBe(
    [
      "3 interactions: 1 of high quality (33.3 %), 1 error (33.3 %), 1 unscored",
      "",
      "AGENT  COUNT  HIGH QUALITY       ERRORS  MEAN SCORE",
      "code       1     0 (0.0 %)  1 (100.0 %)    unscored",
      "math       2    1 (50.0 %)    0 (0.0 %)       0.700",
      "",
    ].join("\n"),
  );
});

it("counts only the time and the agents asked for", async () => {
  const cwd = await store();
  expect(await runJson(["stats", "--since", "1d", "--agent-type", "math"], { cwd })).toMatchObject({
    total_interactions: 1,
    high_quality_rate: 1,
  });
});

it("of a store that is not there is an error, and makes none", async () => {
  const run = await runInProcess(["stats", "--store", "typo"], { cwd: await store() });
  expect(run.exitCode).toBe(ExitCode.failed);
  expect(run.stderr).toMatch(/^whetstone: there is no store at \S+typo: .+--store\n$/);
  expect((await runInProcess(["stats", "--store", "typo"], { cwd: temporaryFolder() })).exitCode).toBe(ExitCode.failed);
});

it("of a folder with runs of training and no store says that there is none", async () => {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, ".whetstone", "runs"), { recursive: true });
  const run = await runInProcess(["stats"], { cwd });
  expect(run).toMatchObject({ exitCode: ExitCode.failed, stdout: "" });
  expect(run.stderr).toMatch(/^whetstone: there is no store at \S+\.whetstone: .+\n$/);
});

it("of an empty store says so", async () => {
  const cwd = temporaryFolder();
  await recorded(cwd);
  const run = await runInProcess(["stats"], { cwd });
  expect(run.stdout).toBe("0 interactions\n");
});
