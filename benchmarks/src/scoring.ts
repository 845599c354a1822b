/**
 * `npm run bench:scoring`: interactions on the file store, and a scorer that answers in 20 ms. Whether the places at the
 * scorer are taken all the time, and whether memory stays flat. `--check` exits with 1 when a bar is short.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fileStore, type Interaction, scoreInteractions, scorer } from "@whetstone/core";
import { corpus } from "./corpus.js";
import { checkBars } from "./report.js";

const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    records: { type: "string", default: "100000" },
    concurrency: { type: "string", default: "64" },
  },
});
const records = Number(values.records);
const concurrency = Number(values.concurrency);
const ANSWER_MS = 20;
const folder = mkdtempSync(join(tmpdir(), "whetstone-bench-scoring-"));
console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "unknown processor"}`);

try {
  const store = fileStore(folder);
  for (const batch of batchesOf(corpus(records), 1_000)) await store.append(batch);

  /** How long each place at the scorer was taken, all together. */
  let takenMs = 0;
  const slow = scorer("judge:bench@r", async () => {
    const start = performance.now();
    await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
    takenMs += performance.now() - start;
    return { scores: { overall: 0.5 }, rationale: "so so" };
  });

  let done = 0;
  /** The heap in use after a collection, at the end of each twentieth of the run. */
  const heapMb: number[] = [];
  globalThis.gc?.();
  const cpu = process.cpuUsage();
  const started = performance.now();
  const report = await scoreInteractions(store, slow, {
    concurrency,
    onProgress({ scored }) {
      if (scored === done) return;
      done = scored;
      if (scored < (records / 20) * (heapMb.length + 1)) return;
      globalThis.gc?.();
      heapMb.push(process.memoryUsage().heapUsed / 2 ** 20);
    },
  });
  const wallMs = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  await store.close();

  const { scored, failed, skipped } = report;
  const first = Math.max(...heapMb.slice(0, 5));
  const last = Math.max(...heapMb.slice(-5));
  console.log(`${records} interactions: ${scored} scored, ${failed} failed, ${skipped} skipped`);
  console.log(
    `${concurrency} at once, ${ANSWER_MS} ms each: ${(wallMs / 1_000).toFixed(1)} s, ${Math.round(scored / (wallMs / 1_000))} a second`,
  );
  console.log(
    `${((scored * ANSWER_MS) / (wallMs * concurrency)).toFixed(3)} of the rate that timers without delay would allow`,
  );
  console.log(
    `${((user + system) / scored).toFixed(0)} µs of CPU each; heap ${heapMb.map((mb) => mb.toFixed(0)).join(" ")} MB`,
  );
  const met = checkBars({
    "scoring.utilisation": takenMs / (wallMs * concurrency),
    "scoring.memory": last / first,
  });
  if (scored !== records) throw new Error(`${records - scored} interactions have no score`);
  if (values.check && !met) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function* batchesOf(interactions: Iterable<Interaction>, size: number): Generator<Interaction[]> {
  let batch: Interaction[] = [];
  for (const interaction of interactions) {
    if (batch.push(interaction) < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
