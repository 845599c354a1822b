/** Logs at a steady pace while something goes wrong with the store, and counts what became of it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { WhetstoneError } from "../errors.js";
import { createInteractionLogger } from "../interaction-logger.js";
import type { InteractionLogger } from "../logger.js";
import { openStore } from "../open-store.js";
import type { InteractionStore } from "../store.js";

const TURN_MS = 20;
const PER_TURN = 8;

export interface FaultedRun {
  readonly sent: number;
  readonly stored: number;
  readonly duplicated: number;
  readonly lost: number;
  readonly dropped: number;
  /** Records that the logger sent again after the server had forgotten. */
  readonly resent: number;
  readonly errors: readonly WhetstoneError[];
}

export interface FaultedRunOptions {
  /** Where the logger stores. */
  readonly store: string | InteractionStore;
  /** Where to count afterwards. Default: the same. */
  readonly countAt?: string | InteractionStore;
  /** What goes wrong, while records are logged: they stop a little after it has ended. */
  readonly fault: (logger: InteractionLogger) => Promise<void>;
  readonly flushMs?: number;
}

/** Runs it and prints a line of the fault table. */
export async function faultedRun(name: string, options: FaultedRunOptions): Promise<FaultedRun> {
  const { fault, flushMs = 60_000 } = options;
  const spoolDirectory = mkdtempSync(join(tmpdir(), "whetstone-fault-"));
  const store = typeof options.store === "string" ? openStore(options.store) : options.store;
  const errors: WhetstoneError[] = [];
  const logger = createInteractionLogger({ store, spoolDirectory, onError: (error) => errors.push(error) });
  let resent = 0;
  logger.on("storeLost", (event) => {
    resent += event.resent;
  });
  let storedAt = performance.now();
  let longestGapMs = 0;
  const gapUntilNow = () => {
    longestGapMs = Math.max(longestGapMs, performance.now() - storedAt);
    storedAt = performance.now();
  };
  logger.on("stored", gapUntilNow);

  const ids: string[] = [];
  let running = true;
  const finished = fault(logger).finally(() => {
    running = false;
  });
  finished.catch(() => undefined); // told below, when it is awaited
  const logTurn = () => {
    for (let n = 0; n < PER_TURN; n++) ids.push(logger.log(question(ids.length)));
  };
  while (running) {
    logTurn();
    await sleep(TURN_MS);
  }
  await finished;
  for (let turn = 0; turn < 25; turn++) {
    logTurn();
    await sleep(TURN_MS);
  }
  const { pending } = await logger.flush({ timeoutMs: flushMs });
  gapUntilNow();
  const stats = logger.stats();
  await logger.close({ timeoutMs: 0 });
  const { stored, duplicated, lost } = await countStored(options.countAt ?? store, ids);
  if (typeof options.store === "string") await store.close();
  rmSync(spoolDirectory, { recursive: true, force: true });
  const dropped = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0);
  const run = { sent: ids.length, stored, duplicated, lost, dropped, resent, errors };
  console.log(
    `| ${name} | ${run.sent} | ${run.stored} | ${run.duplicated} | ${run.lost} | ${(longestGapMs / 1_000).toFixed(1)} s |` +
      `${dropped > 0 ? ` dropped ${dropped}` : ""}${resent > 0 ? ` sent again ${resent}` : ""}${pending > 0 ? ` pending ${pending}` : ""}`,
  );
  return run;
}

export function question(n: number) {
  return { query: `Question ${n}`, answer: `${n} is the answer. `.repeat(60), agentType: "math" };
}

/** What a store holds of the records with these ids: every record in the time index counts, and is read. */
export async function countStored(at: string | InteractionStore, ids: readonly string[]) {
  const store = typeof at === "string" ? openStore(at) : at;
  const found: string[] = [];
  for await (const batch of store.query()) found.push(...batch.map(({ interactionId }) => interactionId));
  const { totalInteractions } = await store.stats();
  if (typeof at === "string") await store.close();
  const kept = new Set(found);
  const lostIds = ids.filter((id) => !kept.has(id));
  if (totalInteractions !== kept.size) throw new Error(`stats count ${totalInteractions} of ${kept.size} records`);
  return {
    stored: kept.size,
    duplicated: found.length - kept.size,
    lost: lostIds.length,
    lostIds,
  };
}
