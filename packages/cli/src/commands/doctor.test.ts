import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInteractionLogger } from "@whetstone/core";
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

it("says what waits on this machine for a store that is away, also in a folder of the caller's", async () => {
  const cwd = temporaryFolder();
  const url = "redis://127.0.0.1:1";
  for (const spoolDirectory of [join(cwd, ".whetstone/spool"), join(cwd, "elsewhere")]) {
    const logger = createInteractionLogger({ store: url, spoolDirectory });
    logger.log({ query: "2 + 2?", answer: "4", agentType: "math" });
    await logger.close({ timeoutMs: 100 });
  }
  const oneWaits = { backlog: { segments: 1, bytes: expect.any(Number) } };
  for (const options of [[], ["--spool", "elsewhere"]]) {
    const { stdout } = await runInProcess(["doctor", "--store", url, ...options, "--json"], { cwd });
    expect(JSON.parse(stdout)).toMatchObject(oneWaits);
  }
  const { stdout } = await runInProcess(["doctor", "--store", url, "--spool", "nowhere"], { cwd });
  expect(stdout).toMatch(/spooled here\s+nothing/);
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
