import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RedisServer, startRedis } from "@whetstone/core/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

it("says of a store of files what it holds and that it is well", async () => {
  const cwd = temporaryFolder();
  await recorded(cwd, interaction({}), interaction({ qualityScores: { overall: 1 } }));
  const run = await runInProcess(["doctor"], { cwd });
  expect(run.exitCode).toBe(ExitCode.done);
  expect(run.stdout).toContain("2 interactions, 1 unscored");
  expect(run.stdout).toMatch(/all is well\n$/);
});

it("says of a Redis its version, role, memory, policy, persistence, layout, counts and what waits for it", async () => {
  const cwd = temporaryFolder();
  await recorded(cwd, interaction({}));
  await runInProcess(["copy", ".whetstone", redis.url], { cwd });
  expect(await runJson(["doctor", "--store", redis.url], { cwd })).toMatchObject({
    store: redis.url,
    status: "ok",
    interactions: 1,
    facts: {
      version: expect.stringMatching(/^\d+\.\d+/),
      role: "master",
      used_bytes: expect.any(Number),
      eviction_policy: "noeviction",
      persistence: "aof",
      layout: "1",
    },
    backlog: { segments: 0, bytes: 0 },
    problems: [],
  });
});

it("names a wrong eviction policy, and exits with 3", async () => {
  await redis.configure("maxmemory-policy", "allkeys-lru");
  const run = await runInProcess(["doctor", "--store", redis.url], { cwd: temporaryFolder() });
  await redis.configure("maxmemory-policy", "noeviction");
  expect(run.exitCode).toBe(ExitCode.partly);
  expect(run.stdout).toContain("set it to noeviction");
});

it("says why a store cannot be used, without its password", async () => {
  const cwd = temporaryFolder();
  const run = await runInProcess(["doctor", "--store", "redis://user:hunter2@127.0.0.1:1"], { cwd });
  expect(run.exitCode).toBe(ExitCode.failed);
  expect(run.stdout).toMatch(/reachable\s+no/);
  expect(run.stdout + run.stderr).not.toContain("hunter2");
});

it("says of a folder that is not a store what it is", async () => {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, "photos"));
  writeFileSync(join(cwd, "photos", "cat.jpg"), "");
  const run = await runInProcess(["doctor", "--store", "photos"], { cwd });
  expect(run.exitCode).toBe(ExitCode.failed);
  expect(run.stdout).toContain("photos");
});
