/**
 * `npm run bench:datasets`: how long datasets take to build, against reading and parsing the same bytes (P) in the same
 * run. `--check` exits with 1 when a bar is short, `--records N` sets the size of the store (default 1,000,000),
 * `--large` also builds every kind from 10,000,000 small interactions under a heap of 128 MB (`--large-records N`).
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startRedis } from "../../packages/core/src/testing/redis-server.js";
import { corpus, smallCorpus } from "./corpus.js";
import { fillStore } from "./fill-store.js";
import { interleaved } from "./interleaved.js";
import { type Measurement, measureApart, median } from "./measure.js";
import { checkBars, type Line, printTable, ratio } from "./report.js";

const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    records: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "3" },
    large: { type: "boolean", default: false },
    "large-records": { type: "string", default: "10000000" },
  },
});
const records = Number(values.records);
const rounds = Number(values.rounds);
/** Of the old generation: what lives. */
const HEAP = ["--max-old-space-size=128"];
const KINDS = ["sft", "dpo", "grpo", "grpo-online", "kto", "reward"] as const;
const folder = mkdtempSync(join(tmpdir(), "whetstone-bench-datasets-"));
const out = join(folder, "out");
mkdirSync(out);
console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "unknown processor"}`);

const bars: Record<string, number> = {};
const wall = ({ wallMs }: Measurement) => wallMs;
try {
  const store = join(folder, "store");
  const bytes = await fillStore(store, corpus(records));
  console.log(`a store of ${records} interactions, ${Math.round(bytes / records)} bytes each`);
  const parse = await fromFiles(store);
  await deduplication();
  await fromRedis(store, parse);
  rmSync(store, { recursive: true });
  if (values.large) await inLittleMemory(Number(values["large-records"]));
  const met = checkBars(bars);
  if (values.check && !met) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Every kind from the file store, and once more from a tenth of it. */
async function fromFiles(store: string): Promise<Line> {
  const small = join(folder, "tenth");
  await fillStore(small, corpus(records / 10));
  const tasks = [
    "read-parse",
    "sft-alone",
    "sft",
    "sft-all",
    "dpo",
    "dpo-alone",
    "grpo",
    "grpo-online",
    "kto",
    "reward",
  ] as const;
  const lines = await interleaved(rounds, tasks, (task) => run(task, `file:${store}`, store));
  const [parse, sftAlone, sft, sftAll, dpo, dpoAlone, grpo, online, kto, reward] = lines;
  printTable(`${records} interactions on the file store`, [
    { ...parse, name: "read + JSON.parse" },
    { ...sftAlone, name: "SFT, answers not compared" },
    { ...sft, name: "SFT" },
    { ...sftAll, name: "SFT, split and decontaminated" },
    { ...dpo, name: "DPO" },
    { ...dpoAlone, name: "DPO, answers not compared" },
    { ...grpo, name: "GRPO" },
    { ...online, name: "GRPO online" },
    { ...kto, name: "KTO" },
    { ...reward, name: "reward" },
  ]);
  bars["datasets.sft.alone"] = ratio(sftAlone.rounds, parse.rounds, wall);
  bars["datasets.sft.all"] = ratio(sftAll.rounds, parse.rounds, wall);
  bars["datasets.dpo"] = ratio(dpoAlone.rounds, parse.rounds, wall);
  bars["datasets.grpo"] = ratio(grpo.rounds, parse.rounds, wall);

  const tenth = await interleaved(rounds, KINDS, (task) => run(task, `file:${small}`, small));
  const whole = [sft, dpo, grpo, online, kto, reward];
  bars["datasets.growth"] = growth(tenth, whole, `from ${records / 10} to ${records} interactions`);
  rmSync(small, { recursive: true });
  return parse;
}

/** Prompts that are alike, against a hash that finds the same ones only. */
async function deduplication(): Promise<void> {
  const tasks = ["prompts-exact", "prompts-similar"] as const;
  const [exact, similar] = await interleaved(rounds, tasks, (task) => run(task, "", ""));
  printTable("distinct prompts", [
    { ...exact, name: "the hash of the index, a set" },
    { ...similar, name: "MinHash, clusters" },
  ]);
  bars["datasets.prompts"] = ratio(similar.rounds, exact.rounds, ({ cpuMs }) => cpuMs);
}

/** The same from a Redis on loopback, against reading and parsing the files. */
async function fromRedis(store: string, { rounds: parse }: Line): Promise<void> {
  await using server = await startRedis({ config: { appendonly: "no", save: '""' } });
  await measureApart("fill", [server.url, String(records)], "redis-task.ts");
  const tasks = ["read-parse", "sft-alone", "dpo-alone", "grpo"] as const;
  const [again, sft, dpo, grpo] = await interleaved(rounds, tasks, (task) => run(task, server.url, store));
  printTable(`${records} interactions from Redis`, [
    { ...again, name: "read + JSON.parse of the files" },
    { ...sft, name: "SFT, answers not compared" },
    { ...dpo, name: "DPO, answers not compared" },
    { ...grpo, name: "GRPO" },
  ]);
  const drift = median(again.rounds.map(wall)) / median(parse.map(wall));
  console.log(`read + JSON.parse took ${drift.toFixed(2)} times what it took before`);
  for (const [name, line] of Object.entries({ sft, dpo, grpo })) {
    bars[`datasets.redis.${name}`] = ratio(line.rounds, again.rounds, wall);
  }
}

/** Every kind under a heap of 128 MB: who holds more than that alive does not come to an end. */
async function inLittleMemory(most: number): Promise<void> {
  const failed: string[] = [];
  const lines: Line[][] = [];
  for (const count of [most / 10, most]) {
    const store = join(folder, `small-${count}`);
    const bytes = await fillStore(store, smallCorpus(count));
    const ofSize: Line[] = [];
    for (const kind of KINDS) {
      try {
        ofSize.push({ name: kind, rounds: [await run(kind, `file:${store}`, store, HEAP)] });
      } catch (error) {
        failed.push(`${kind} of ${count}: ${error}`);
      }
    }
    printTable(`${count} interactions of ${Math.round(bytes / count)} bytes, ${HEAP[0]}`, ofSize);
    lines.push(ofSize);
    rmSync(store, { recursive: true });
  }
  for (const reason of failed) console.log(`failed: ${reason}`);
  bars["datasets.large.failed"] = failed.length;
  const [tenth = [], whole = []] = lines;
  if (failed.length === 0) bars["datasets.large.growth"] = growth(tenth, whole, `from ${most / 10} to ${most}`);
}

/** The largest exponent of time over size, where the second lines have ten times the records of the first. */
function growth(tenth: readonly Line[], whole: readonly Line[], words: string): number {
  const exponents = tenth.map(({ name, rounds }, i) => {
    const longer = median((whole[i]?.rounds ?? []).map(wall)) / median(rounds.map(wall));
    return { name, exponent: Math.log10(longer) };
  });
  console.log(`\ntime grows ${words} with the power of`);
  console.log(exponents.map(({ name, exponent }) => `${name} ${exponent.toFixed(2)}`).join(", "));
  return Math.max(...exponents.map(({ exponent }) => exponent));
}

function run(task: string, url: string, root: string, flags: readonly string[] = []): Promise<Measurement> {
  return measureApart(task, [url, out, root, String(records)], "datasets-task.ts", flags);
}
