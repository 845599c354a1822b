import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileStore, type InteractionStore, openStore } from "@whetstone/core";
import { type RedisServer, startRedis } from "@whetstone/core/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { ExitCode } from "../exit-code.js";
import { runCli } from "../program.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { NOW, runInProcess, testIo } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

/** A tail under way, and how to end it as Ctrl-C does. */
function following(args: readonly string[], cwd: string) {
  const interruption = new AbortController();
  const { io, result } = testIo({ cwd, signal: interruption.signal });
  const end = runCli(["tail", ...args], io);
  const stop = async () => {
    interruption.abort("SIGINT");
    await end;
    return result();
  };
  onTestFinished(() => void stop());
  return {
    stop,
    async shows(text: string) {
      while (!result().stdout.includes(text)) await sleep(20);
      return result().stdout;
    },
  };
}

describe.each(["files", "Redis"])("whetstone tail of a store of %s", (kind) => {
  async function opened(): Promise<{ cwd: string; store: InteractionStore; args: readonly string[] }> {
    const cwd = temporaryFolder();
    if (kind === "Redis") await redis.cli("FLUSHALL");
    const url = kind === "Redis" ? redis.url : `file:${join(cwd, ".whetstone")}`;
    const store = openStore(url);
    onTestFinished(() => store.close());
    await store.append([]);
    return { cwd, store, args: ["--store", url] };
  }

  it("shows the last ones, then each that comes, once and whichever process stored it", async () => {
    const { cwd, store, args } = await opened();
    const at = (seconds: number) => ({ interactionId: `i${seconds}`, timestamp: NOW - 60_000 + seconds * 1_000 });
    await store.append([1, 2, 3].map((i) => interaction(at(i))));
    const tail = following([...args, "--lines", "2", "--json"], cwd);
    await tail.shows('"i3"');
    await store.append([interaction(at(5)), interaction(at(6))]);
    await tail.shows('"i6"');
    // Stored later than its time, as one out of a spool.
    await store.append([interaction(at(4))]);
    await tail.shows('"i4"');
    const { stdout, stderr, exitCode } = await tail.stop();
    const ids = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).interaction_id);
    expect({ ids, stderr, exitCode }).toEqual({
      ids: ["i2", "i3", "i5", "i6", "i4"],
      stderr: "",
      exitCode: ExitCode.done,
    });
  });

  it("shows what the filters let through, and what is scored as soon as it is", async () => {
    const { cwd, store, args } = await opened();
    const tail = following([...args, "--agent-type", "math", "--min-quality", "0.8", "--json"], cwd);
    const errors = following([...args, "--errors", "--json"], cwd);
    await store.append([
      interaction({ interactionId: "other", agentType: "code", qualityScores: { overall: 1 } }),
      interaction({ interactionId: "later" }),
      interaction({ interactionId: "failed", errorOccurred: true, errorMessage: "no" }),
      interaction({ interactionId: "good", qualityScores: { overall: 0.9 } }),
    ]);
    await tail.shows('"good"');
    const score = { kind: "score", source: "verifier:math", at: NOW, scores: { overall: 1 } } as const;
    await store.annotate([{ ...score, interactionId: "later" }]);
    await tail.shows('"later"');
    await errors.shows('"failed"');
    const ids = (text: string) =>
      text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).interaction_id);
    expect(ids((await tail.stop()).stdout)).toEqual(["good", "later"]);
    expect(ids((await errors.stop()).stdout)).toEqual(["failed"]);
  });
});

describe("a line of whetstone tail", () => {
  it("is one line, as wide as the terminal, without control characters", async () => {
    const cwd = temporaryFolder();
    const hostile = "one\ntwo \u001b]0;pwned\u0007\u001b[2J\u202e \u009b31m ".repeat(20);
    await recorded(
      cwd,
      interaction({ query: "What is 6 times 7?", answer: "42", qualityScores: { overall: 1 } }),
      interaction({ timestamp: NOW + 1, query: hostile, answer: hostile, errorOccurred: true, errorMessage: hostile }),
    );
    const run = await runInProcess(["tail", "--no-follow"], { cwd });
    const lines = run.stdout.trimEnd().split("\n");
    expect(lines[0]).toBe("12:00:00  math          1.00  What is 6 times 7?  42");
    expect(lines).toHaveLength(2);
    expect(lines[1]?.length).toBeLessThanOrEqual(120);
    expect(run.stdout).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_Control}]/u);
  });

  it("is not there without a store", async () => {
    const run = await runInProcess(["tail"], { cwd: temporaryFolder() });
    expect(run).toMatchObject({ exitCode: ExitCode.failed, stderr: expect.stringContaining("there is no store") });
  });

  it("is not shown of what is there already with --lines 0", async () => {
    const cwd = temporaryFolder();
    await recorded(cwd, interaction({}));
    expect((await runInProcess(["tail", "--no-follow", "--lines", "0"], { cwd })).stdout).toBe("");
    const store = fileStore(join(cwd, ".whetstone"));
    expect((await store.stats()).totalInteractions).toBe(1);
    await store.close();
  });
});
