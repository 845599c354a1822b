import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY_MS } from "./day.js";
import type { Interaction } from "./interaction.js";
import { createInteractionLogger } from "./interaction-logger.js";
import type { InteractionLogger } from "./logger.js";
import { smallDisk } from "./small-disk.fixture.js";
import { fileStore } from "./stores/file-store.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "whetstone-fault-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const asked = (n: number, answer = `${n} `.repeat(300)) => ({ query: `Question ${n}`, answer, agentType: "math" });
/** A slow disk is no failure here. */
const PATIENT = { timeoutMs: 240_000 };
const quiet = { onError: () => undefined };

describe("a logger goes through", () => {
  it("20,000 calls in one turn of the event loop", async () => {
    const logger = createInteractionLogger({ store: `file:${folder}` });
    for (let n = 0; n < 20_000; n++) logger.log(asked(n));
    await logger.flush(PATIENT);
    const report = await told("20,000 in one turn", logger);
    expect(report).toMatchObject({ stored: 20_000, dropped: 0, duplicated: 0, lost: 0 });
    await logger.close();
  });

  it("200,000 calls in one turn of the event loop", async () => {
    const logger = createInteractionLogger({ store: `file:${folder}` });
    const before = process.memoryUsage().rss;
    let peak = 0;
    for (let n = 0; n < 200_000; n++) {
      logger.log(asked(n));
      if (n % 1_000 === 0) peak = Math.max(peak, process.memoryUsage().rss);
    }
    const { queued, queuedBytes } = logger.stats();
    expect(queuedBytes).toBeLessThanOrEqual(64 * 2 ** 20);
    expect(queued).toBeGreaterThan(20_000);
    await logger.flush(PATIENT);
    const report = await told("200,000 in one turn", logger, peak - before);
    expect(report).toMatchObject({ stored: queued, dropped: 200_000 - queued, duplicated: 0, lost: 0 });
    await logger.close();
  });

  it("an event loop that is blocked for seconds", async () => {
    const logger = createInteractionLogger({ store: `file:${folder}` });
    for (let n = 0; n < 2_000; n++) {
      logger.log(asked(n));
      if (n % 1_000 !== 500) continue;
      const end = performance.now() + 1_500;
      while (performance.now() < end);
      await nextTurn();
    }
    await logger.flush();
    expect(await told("blocked event loop", logger)).toMatchObject({ stored: 2_000, duplicated: 0, lost: 0 });
    expect(logger.health().status).toBe("ok");
    await logger.close();
  });

  it("a clock that jumps a day either way", async () => {
    const logger = createInteractionLogger({ store: `file:${folder}` });
    const now = Date.now();
    const clock = vi.spyOn(Date, "now");
    for (const jump of [0, DAY_MS, -DAY_MS, 0]) {
      clock.mockReturnValue(now + jump);
      for (let n = 0; n < 100; n++) logger.log(asked(n));
      await nextTurn();
    }
    clock.mockRestore();
    await logger.flush();
    expect(await told("clock jumps", logger)).toMatchObject({ stored: 400, duplicated: 0, lost: 0 });
    await logger.close();
  });

  it("a store folder that is moved away while it runs", async () => {
    const logger = createInteractionLogger({ store: `file:${folder}/store`, ...quiet });
    for (let n = 0; n < 100; n++) logger.log(asked(n));
    await logger.flush();
    renameSync(join(folder, "store"), join(folder, "moved"));
    for (let n = 100; n < 200; n++) logger.log(asked(n));
    await logger.flush();
    await logger.close();
    // The open file moves along, so nothing is lost; new days begin in a new folder.
    const store = fileStore(join(folder, "moved"));
    const { totalInteractions } = await store.stats();
    await store.close();
    console.log(`moved folder: offered 200, stored ${totalInteractions}`);
    expect(totalInteractions).toBe(200);
  });
});

describe("worker threads", () => {
  const child = new URL("./worker-child.fixture.ts", import.meta.url).href;
  const start = `import("tsx/esm/api").then(({ register }) => (register(), import(${JSON.stringify(child)})))`;

  it.each(["return", "exit", "throw", "terminate"])("that end by %s lose nothing of what was drained", async (way) => {
    const count = 2_000;
    const worker = new Worker(start, { eval: true, workerData: { folder, way, count } });
    let error = "";
    worker.on("error", ({ message }) => {
      error = message;
    });
    worker.on("message", () => void worker.terminate());
    await new Promise((done) => worker.once("exit", done));
    const store = fileStore(folder);
    const { totalInteractions } = await store.stats();
    await store.close();
    console.log(`worker, ${way}: offered ${count}, stored ${totalInteractions}, lost ${count - totalInteractions}`);
    expect(error).toBe(way === "throw" ? "a worker's own error" : "");
    expect(totalInteractions).toBe(count);
  });
});

describe("a full disk", () => {
  it("serves no torn record, counts what it drops, and goes on when there is space", async ({ skip }) => {
    using small = smallDisk() ?? skip("this user may not mount a small disk");
    const disk = small.path;
    const ballast = join(disk, "ballast");
    const logger = createInteractionLogger({ store: `file:${disk}/store`, maxQueue: 200, ...quiet });
    try {
      writeFileSync(ballast, Buffer.alloc(600 * 1024));
      for (let n = 0; n < 2_000; n++) {
        logger.log(asked(n));
        if (n % 16 === 0) await nextTurn();
      }
      await logger.flush({ timeoutMs: 200 });
      const full = logger.stats();
      expect(logger.health().reasons.join()).toMatch(/no space left/);
      expect(full.stored).toBeGreaterThan(0);
      expect(full.stored + full.queued + (full.dropped.queueFull ?? 0)).toBe(2_000);
      expect((await records(`${disk}/store`)).length).toBe(full.stored);
      rmSync(ballast);
      const report = await logger.flush();
      expect(report.pending).toBe(0);
      expect(logger.health().status).toBe("ok");
      for (let n = 2_000; n < 2_050; n++) logger.log(asked(n));
      await logger.flush();
      const kept = await records(`${disk}/store`);
      const { offered, stored, dropped } = logger.stats();
      const { queueFull = 0 } = dropped;
      const duplicated = kept.length - new Set(kept.map(({ interactionId }) => interactionId)).size;
      console.log(
        `full disk: offered ${offered}, stored ${kept.length}, dropped ${queueFull}, duplicated ${duplicated}`,
      );
      expect(kept.length).toBe(stored);
      expect(stored + queueFull).toBe(2_050);
      expect(duplicated).toBe(0);
      for (const { query, answer } of kept) expect(answer).toBe(asked(Number(query.slice(9))).answer);
    } finally {
      await logger.close({ timeoutMs: 10 });
    }
  });
});

/** Prints what became of everything a logger was offered, from its books and from the folder. */
async function told(fault: string, logger: InteractionLogger, grownBytes?: number) {
  const peakMb = Math.round(process.resourceUsage().maxRSS / 1024);
  const stats = logger.stats();
  const dropped = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0);
  const kept = await records(folder);
  const duplicated = kept.length - new Set(kept.map(({ interactionId }) => interactionId)).size;
  const lost = stats.offered - kept.length - dropped - stats.queued;
  const grown = grownBytes === undefined ? "" : `, +${Math.round(grownBytes / 2 ** 20)} MB meanwhile`;
  console.log(
    `${fault}: offered ${stats.offered}, stored ${kept.length}, dropped ${dropped}, ` +
      `duplicated ${duplicated}, lost ${lost}, peak memory of the process ${peakMb} MB${grown}`,
  );
  expect(kept.length).toBe(stats.stored);
  return { stored: kept.length, dropped, duplicated, lost };
}

async function records(place: string): Promise<Interaction[]> {
  const store = fileStore(place);
  const found: Interaction[] = [];
  for await (const batch of store.query()) found.push(...batch);
  await store.close();
  return found;
}
