import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { fileStore } from "./stores/file-store.js";

const child = fileURLToPath(new URL("./logging-child.fixture.ts", import.meta.url));
const KILLS = 20;
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe("kill -9 in the middle of writing", () => {
  it("loses nothing in sync mode", async () => {
    const report = await killRepeatedly("sync");
    expect(report.offered).toBeGreaterThan(0);
    expect(report.lost).toEqual([]);
    expect(report.duplicated).toBe(0);
  });

  it("loses at most what the running turn logged in journal mode", async () => {
    const report = await killRepeatedly("journal");
    expect(report.offered).toBeGreaterThan(0);
    expect(report.lost.filter((id) => !report.inRunningTurn.has(id))).toEqual([]);
    expect(report.duplicated).toBe(0);
  });
});

describe("several processes on one folder", () => {
  it("write at once while one reads, and nothing is lost or seen torn", async () => {
    const folder = newFolder();
    const each = 1_500;
    const writers = [1, 2].map(() => run(folder, "journal", String(each)));
    const reader = fileStore(folder);
    let running = true;
    const finished = Promise.all(writers).finally(() => {
      running = false;
    });
    let seen = 0;
    let reads = 0;
    while (running) {
      let now = 0;
      for await (const batch of reader.query()) {
        for (const { answer, query } of batch) expect(query.length > 0 && answer.length > 0).toBe(true);
        now += batch.length;
      }
      expect(now).toBeGreaterThanOrEqual(seen);
      seen = now;
      reads += 1;
    }
    const offered = (await finished).flatMap(({ ids }) => ids);
    const stored = await storedIds(folder);
    await reader.close();
    console.log(
      `two writers, one reader: offered ${offered.length}, stored ${stored.length}, ` +
        `duplicated ${stored.length - new Set(stored).size}, reads meanwhile ${reads}`,
    );
    expect(offered.length).toBe(2 * each);
    expect(stored.toSorted()).toEqual(offered.toSorted());
    const counted = fileStore(folder);
    expect((await counted.stats()).totalInteractions).toBe(2 * each);
    await counted.close();
  });
});

async function killRepeatedly(durability: "sync" | "journal") {
  const folder = newFolder();
  const offered: string[] = [];
  const inRunningTurn = new Set<string>();
  let peakMb = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const { ids, lastTurn, peakMb: peak } = await run(folder, durability, "Infinity", 40 + kill * 37);
    peakMb = Math.max(peakMb, peak);
    offered.push(...ids);
    for (const id of lastTurn) inRunningTurn.add(id);
  }
  const stored = await storedIds(folder);
  const kept = new Set(stored);
  const lost = offered.filter((id) => !kept.has(id));
  const duplicated = stored.length - kept.size;
  console.log(
    `${durability}, ${KILLS} kills: offered ${offered.length}, stored ${stored.length}, ` +
      `lost ${lost.length}, duplicated ${duplicated}, peak memory of a child ${peakMb} MB`,
  );
  return { offered: offered.length, lost, duplicated, inRunningTurn };
}

/** Runs the child to its end, or kills it some milliseconds after its first id. */
async function run(folder: string, durability: string, count: string, killAfterMs?: number) {
  // A file, not a pipe: what was written before a kill is there, whatever the reader did.
  const oracle = join(newFolder(), "ids");
  const fd = openSync(oracle, "w");
  const logging = spawn(process.execPath, ["--import", "tsx", child, folder, durability, count], {
    stdio: ["ignore", fd, "inherit"],
  });
  closeSync(fd);
  const closed = new Promise<void>((resolve, reject) => {
    logging.on("error", reject);
    logging.on("close", () => resolve());
  });
  let peakMb = Number.NaN;
  if (killAfterMs !== undefined) {
    while (statSync(oracle).size === 0) await sleep(5);
    await sleep(killAfterMs);
    peakMb = peakMemoryMb(logging.pid);
    logging.kill("SIGKILL");
  }
  await closed;
  const turns = readFileSync(oracle, "utf8").split("turn\n");
  const idsOf = (turn: string) => turn.split("\n").filter((line) => line.length === 36);
  // The end of a turn is told before its records are written: the last two may be the running one.
  return { ids: turns.flatMap(idsOf), lastTurn: turns.slice(-2).flatMap(idsOf), peakMb };
}

/** As Linux tells it; NaN elsewhere. */
function peakMemoryMb(pid: number | undefined): number {
  try {
    const kilobytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Math.round(Number(kilobytes) / 1024);
  } catch {
    return Number.NaN;
  }
}

async function storedIds(folder: string): Promise<string[]> {
  const store = fileStore(folder);
  const ids: string[] = [];
  for await (const batch of store.query()) ids.push(...batch.map(({ interactionId }) => interactionId));
  await store.close();
  return ids;
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "whetstone-kill-"));
  folders.push(folder);
  return folder;
}
