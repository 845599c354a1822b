import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

it("makes a store, a settings file and a sample, and says what to do next", async () => {
  const cwd = temporaryFolder();
  const run = await runInProcess(["init"], { cwd });
  expect(run.exitCode).toBe(ExitCode.done);
  expect(run.stdout).toContain("made: .whetstone/.gitignore, whetstone.config.json, whetstone-sample.mjs\n");
  expect(run.stdout).toContain("node whetstone-sample.mjs");
  expect(JSON.parse(readFileSync(join(cwd, "whetstone.config.json"), "utf8"))).toEqual({ store: "file:./.whetstone" });
  expect(readFileSync(join(cwd, ".whetstone", ".gitignore"), "utf8")).toBe("*\n");
  expect(await runJson(["stats"], { cwd })).toMatchObject({ total_interactions: 0 });
});

it("never overwrites, and says what was there", async () => {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, "whetstone.config.json"), '{"store":"file:./mine"}');
  writeFileSync(join(cwd, "whetstone-sample.mjs"), "mine");
  expect(await runJson(["init", "--yes"], { cwd })).toEqual({
    store: `file:${cwd}/.whetstone`,
    created: [".whetstone/.gitignore"],
    kept: ["whetstone.config.json", "whetstone-sample.mjs"],
  });
  expect(readFileSync(join(cwd, "whetstone-sample.mjs"), "utf8")).toBe("mine");
  expect(await runJson(["init", "--yes"], { cwd })).toMatchObject({ created: [] });
});

it("puts the store where it is told", async () => {
  const cwd = temporaryFolder();
  await runJson(["init", "--yes", "--store", "data/talk", "--no-sample"], { cwd });
  expect(readdirSync(cwd).sort()).toEqual(["data", "whetstone.config.json"]);
  expect(await runJson(["stats"], { cwd })).toMatchObject({ total_interactions: 0 });
});

it("makes nothing when the store's folder holds something else", async () => {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, "photos"));
  writeFileSync(join(cwd, "photos", "cat.txt"), "meow");
  const run = await runInProcess(["init", "--yes", "--store", "photos"], { cwd });
  expect(run.exitCode).toBe(ExitCode.failed);
  expect(existsSync(join(cwd, "whetstone.config.json"))).toBe(false);
  expect(readdirSync(join(cwd, "photos"))).toEqual(["cat.txt"]);
});
