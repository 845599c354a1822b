import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

/** Two users with two answers each to a question of their own, and a question both were asked. */
async function store(): Promise<string> {
  const cwd = temporaryFolder();
  const said = (id: string, userId: string, query: string, overall: number) =>
    interaction({ interactionId: id, userId, query, answer: `${id} says`, qualityScores: { overall } });
  await recorded(
    cwd,
    said("a1", "ada", "ada's own question", 0.9),
    said("a2", "ada", "ada's own question", 0.1),
    said("b1", "bob", "bob's own question", 0.9),
    said("b2", "bob", "bob's own question", 0.1),
    said("a3", "ada", "both were asked", 0.9),
    said("b3", "bob", "both were asked", 0.2),
  );
  return cwd;
}

it("removes a user's interactions and lists the datasets that were made of them", async () => {
  const cwd = await store();
  for (const args of [
    ["dataset", "sft", "--out", "data/sft"],
    ["dataset", "dpo", "--out", "data/pairs/dpo"],
    ["dataset", "dpo", "--out", "bob.jsonl"],
  ]) {
    expect((await runInProcess(args, { cwd })).exitCode).toBe(ExitCode.done);
  }
  const before = readFileSync(join(cwd, "data/sft/train.jsonl"), "utf8");
  const erased = (await runJson(["erase", "--user", "ada", "--yes"], { cwd })) as { interaction_ids: string[] };
  expect(erased).toMatchObject({
    removed_count: 3,
    datasets_searched: 2,
    datasets: [
      // A pair of ada's own, and one in which her answer stands against bob's.
      { path: join(cwd, "data/pairs/dpo"), rows: 2, files: { "train.jsonl": 2 } },
      { path: join(cwd, "data/sft"), rows: 2, files: { "train.jsonl": 2 } },
    ],
  });
  expect(erased.interaction_ids.toSorted()).toEqual(["a1", "a2", "a3"]);
  const left = await runInProcess(["query", "--json"], { cwd });
  expect(left.stdout.match(/"interaction_id":"\w+"/g)).toHaveLength(3);
  expect(left.stdout).not.toContain("ada");
  expect(readFileSync(join(cwd, "data/sft/train.jsonl"), "utf8")).toBe(before);
});

it("looks into the files that are named, and says what to do in words", async () => {
  const cwd = await store();
  await runInProcess(["dataset", "dpo", "--out", "pairs.jsonl"], { cwd });
  const run = await runInProcess(["erase", "--user", "ada", "--yes", "pairs.jsonl"], { cwd });
  expect(run).toEqual({
    exitCode: ExitCode.done,
    stdout: "removed 3 interactions of the user\nmade of them, and to be built again:\n  pairs.jsonl  2 rows\n",
    stderr: "",
  });
  const again = await runInProcess(["erase", "--user", "ada", "--yes", "pairs.jsonl"], { cwd });
  expect(again.stdout).toBe("removed 0 interactions of the user\n1 dataset searched: no row was made of them\n");
});

it("exits with 3 when a dataset cannot be searched, and says which", async () => {
  const cwd = await store();
  await runInProcess(["dataset", "sft", "--out", "data/sft"], { cwd });
  writeFileSync(join(cwd, "data/sft/train.jsonl"), '{"messages":[');
  const run = await runInProcess(["erase", "--user", "ada", "--yes"], { cwd });
  expect(run.exitCode).toBe(ExitCode.partly);
  expect(run.stdout).toContain("removed 3 interactions of the user\n");
  expect(run.stderr).toMatch(/^cannot read data\/sft: .+\n$/);
});

it("removes nothing where nobody can say yes, or a dataset that is named is none", async () => {
  const cwd = await store();
  const unasked = await runInProcess(["erase", "--user", "ada"], { cwd });
  expect(unasked.exitCode).toBe(ExitCode.usage);
  expect(unasked.stderr).toContain("add --yes");
  const missing = await runInProcess(["erase", "--user", "ada", "--yes", "nowhere"], { cwd });
  expect(missing.exitCode).toBe(ExitCode.failed);
  expect(missing.stderr).toMatch(/^whetstone: there is no dataset at \S+nowhere: .+\n$/);
  expect((await runInProcess(["erase", "--yes"], { cwd })).exitCode).toBe(ExitCode.usage);
  expect(await runJson(["stats"], { cwd })).toMatchObject({ total_interactions: 6 });
});
