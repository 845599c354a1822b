import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createInteractionLogger } from "../interaction-logger.js";
import type { InteractionLogger } from "../logger.js";
import { type RedisServer, startRedis } from "../testing/redis-server.js";
import { countStored } from "./faulted-run.fixture.js";
import { spoolBacklog } from "./spool-folder.js";

const child = fileURLToPath(new URL("./spool-child.fixture.ts", import.meta.url));
const KILLS = 8;

describe("kill -9 of a process that logs to Redis", () => {
  let server: RedisServer;
  let folder: string;
  beforeEach(async () => {
    server = await startRedis();
    folder = mkdtempSync(join(tmpdir(), "whetstone-kill-"));
  });
  afterEach(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(["sync", "journal"])("loses nothing that was on disk, with Redis killed as well (%s)", async (durability) => {
    const ids: string[] = [];
    const runningTurn = new Set<string>();
    for (let kill = 0; kill < KILLS; kill++) {
      const isDown = kill % 2 === 1;
      if (isDown) await server.kill();
      const logged = await killedAfter(60 + kill * 50, durability);
      ids.push(...logged.ids);
      for (const id of logged.lastTurn) runningTurn.add(id);
      if (isDown) await server.start();
    }
    const left = spoolBacklog(server.url, folder);
    const next = createInteractionLogger({ store: server.url, spoolDirectory: folder });
    const replayed = await untilReplayed(next);
    await next.close();
    const counted = await countStored(server.url, ids);
    console.log(
      `| ${KILLS} × kill -9 of the logging process, every other time Redis too, \`${durability}\` | ${ids.length} | ` +
        `${counted.stored} | ${counted.duplicated} | ${counted.lost} | | left in ${left.segments} segments, replayed ${replayed}`,
    );
    expect(counted.duplicated).toBe(0);
    expect(left.segments).toBeGreaterThan(0);
    expect(replayed).toBeGreaterThan(0);
    expect(spoolBacklog(server.url, folder).segments).toBe(0);
    expect(durability === "sync" ? counted.lostIds : counted.lostIds.filter((id) => !runningTurn.has(id))).toEqual([]);
  });

  it("process.exit in the turn that logged 5,000 loses nothing, and keeps its exit code", async () => {
    const { ids, code } = await killedAfter(Infinity, "journal", 5_000);
    const next = createInteractionLogger({ store: server.url, spoolDirectory: folder });
    const replayed = await untilReplayed(next);
    await next.close();
    const counted = await countStored(server.url, ids);
    console.log(
      `| \`process.exit\` in the turn that logged | ${ids.length} | ${counted.stored} | ${counted.duplicated} | ` +
        `${counted.lost} | | replayed ${replayed}`,
    );
    expect([ids.length, code]).toEqual([5_000, 7]);
    expect(counted).toMatchObject({ stored: 5_000, duplicated: 0, lost: 0 });
  });

  /** Replaying goes on for as long as the count grows. */
  async function untilReplayed(logger: InteractionLogger): Promise<number> {
    for (let before = -1; logger.stats().replayed > before; ) {
      before = logger.stats().replayed;
      await sleep(1_500);
    }
    return logger.stats().replayed;
  }

  async function killedAfter(ms: number, durability: string, burst = 0) {
    const oracle = join(folder, "ids");
    const fd = openSync(oracle, "w");
    const logging = spawn(process.execPath, ["--import", "tsx", child, server.url, folder, durability, String(burst)], {
      stdio: ["ignore", fd, "inherit"],
    });
    closeSync(fd);
    const closed = new Promise((resolve) => logging.once("close", resolve));
    if (ms < Infinity) {
      while (statSync(oracle).size === 0) await sleep(5);
      await sleep(ms);
      logging.kill("SIGKILL");
    }
    const code = await closed;
    const turns = readFileSync(oracle, "utf8").split("turn\n");
    const idsOf = (turn: string) => turn.split("\n").filter((line) => line.length === 36);
    // The end of a turn is told before its records are written: the last two may be the running one.
    return { code, ids: turns.flatMap(idsOf), lastTurn: turns.slice(-2).flatMap(idsOf) };
  }
});
