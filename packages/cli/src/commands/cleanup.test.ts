import { expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { NOW, runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

const DAY_MS = 86_400_000;

async function store() {
  const cwd = temporaryFolder();
  await recorded(
    cwd,
    ...[0, 6, 7, 8, 30].map((days) => interaction({ interactionId: `d${days}`, timestamp: NOW - days * DAY_MS })),
  );
  return cwd;
}

it("removes whole days that ended before the days to keep", async () => {
  const cwd = await store();
  expect(await runJson(["cleanup", "--days-to-keep", "7", "--yes"], { cwd })).toEqual({
    removed_count: 2,
    days_kept: 7,
    message: "removed 2 interactions from before 2026-01-25",
  });
  const left = await runInProcess(["query", "--json"], { cwd });
  expect(left.stdout.match(/"interaction_id":"\w+"/g)).toEqual(
    ["d0", "d6", "d7"].map((id) => `"interaction_id":"${id}"`),
  );
});

it("does nothing twice", async () => {
  const cwd = await store();
  await runInProcess(["cleanup", "--days-to-keep", "7", "--yes"], { cwd });
  const again = await runInProcess(["cleanup", "--days-to-keep", "7"], { cwd });
  expect(again).toEqual({
    exitCode: ExitCode.done,
    stdout: "removed 0 interactions from before 2026-01-25\n",
    stderr: "",
  });
});

it("asks for --yes where nobody can answer, and removes nothing", async () => {
  const cwd = await store();
  const run = await runInProcess(["cleanup", "--days-to-keep", "7"], { cwd });
  expect(run).toEqual({
    exitCode: ExitCode.usage,
    stdout: "",
    stderr: "whetstone: this would remove 2 interactions from before 2026-01-25: add --yes to do so\n",
  });
  expect(await runJson(["stats"], { cwd })).toMatchObject({ total_interactions: 5 });
});

it.each(["99999999999", "36501"])("takes no more than a hundred years: %s", async (days) => {
  const cwd = await store();
  const run = await runInProcess(["cleanup", "--days-to-keep", days, "--yes"], { cwd });
  expect(run.exitCode).toBe(ExitCode.usage);
  expect(run.stderr).toContain("Give a whole number from 0 to 36,500.");
  expect(await runJson(["cleanup", "--days-to-keep", "36500", "--yes"], { cwd })).toMatchObject({ removed_count: 0 });
});

it("removes everything once when several run at the same time", async () => {
  const cwd = await store();
  const runs = await Promise.all(
    Array.from({ length: 4 }, () => runJson(["cleanup", "--days-to-keep", "7", "--yes"], { cwd })),
  );
  expect(runs.reduce((sum, { removed_count }) => sum + Number(removed_count), 0)).toBe(2);
  expect(await runJson(["stats"], { cwd })).toMatchObject({ total_interactions: 3 });
});
