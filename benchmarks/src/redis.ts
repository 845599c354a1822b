/**
 * `npm run bench:redis`: the Redis store against plainer ways to use a Redis, each comparison in one interleaved run on
 * real servers on loopback. `--check` exits with 1 when a bar is short, `--records N` sets the size of the largest
 * store (default 1,000,000), `--ingest N` that of the ingest runs (default 100,000).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startRedisCluster } from "../../packages/core/src/testing/redis-cluster.js";
import { type RedisServer, startRedis } from "../../packages/core/src/testing/redis-server.js";
import { corpus, corpusTime } from "./corpus.js";
import { fillStore } from "./fill-store.js";
import { type Measurement, measureApart, median } from "./measure.js";
import { checkBars, printTable, ratio } from "./report.js";

const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    records: { type: "string", default: "1000000" },
    ingest: { type: "string", default: "100000" },
    rounds: { type: "string", default: "3" },
  },
});
const records = Number(values.records);
const ingested = Number(values.ingest);
const rounds = Number(values.rounds);
/** What each ingest task sends before it is measured, so that none is charged for its code being compiled. */
const WARM_UP = 20_480;
/** Nothing on disk: what is compared is the same for every layout. */
const config = { appendonly: "no", save: '""' };
const folder = mkdtempSync(join(tmpdir(), "whetstone-bench-redis-"));
console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "unknown processor"}`);

const bars: Record<string, number> = {};
try {
  await using server = await startRedis({ config });
  console.log((await server.cli("info", "server")).match(/redis_version:\S+/)?.[0]);
  await ingest(server);
  await reading(server);
  await inCluster();
  const met = checkBars(bars);
  if (values.check && !met) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Serialised records into an empty Redis, 64 a batch and four batches in flight. */
async function ingest(server: RedisServer): Promise<void> {
  const runs = {
    "ingest-keys": [] as ServerRun[],
    ingest: [] as ServerRun[],
    "ingest-keys-bytes": [] as ServerRun[],
    "ingest-bytes": [] as ServerRun[],
  };
  const names = Object.keys(runs) as (keyof typeof runs)[];
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      await server.cli("flushall");
      const before = await serverCpu(server);
      const measured = await task(name, server, ingested, String(WARM_UP));
      runs[name].push({ ...measured, serverMs: (await serverCpu(server)) - before });
    }
  }
  const [keys, store, bytes] = [runs["ingest-keys"], runs.ingest, runs["ingest-keys-bytes"]];
  printTable(`ingest of ${ingested} interactions, client side`, [
    { name: "SET + 3 ZADD a record, ioredis", rounds: keys },
    { name: "the store", rounds: store },
    { name: "the bytes of SET + 3 ZADD, one socket", rounds: bytes },
    { name: "the store's bytes, one socket", rounds: runs["ingest-bytes"] },
  ]);
  const each = (run: readonly ServerRun[]) =>
    ((median(run.map((r) => r.serverMs)) * 1_000) / (ingested + WARM_UP)).toFixed(1);
  console.log(`server, µs cpu each: SET + 3 ZADD ${each(keys)}, the store ${each(store)}`);
  bars["redis.ingest.time"] = ratio(store, keys, ({ wallMs }) => wallMs);
  bars["redis.ingest.client"] = ratio(store, keys, ({ cpuMs }) => cpuMs);
  bars["redis.ingest.server"] = ratio(store, keys, (run) => (run as ServerRun).serverMs);
  bars["redis.ingest.bytes"] = ratio(store, bytes, ({ wallMs }) => wallMs);
}

/** The latest ones at three sizes, then reading, building and removing at the largest. */
async function reading(server: RedisServer): Promise<void> {
  const latest: Measurement[] = [];
  const filtered: Measurement[] = [];
  let filled: Measurement | undefined;
  let empty = 0;
  for (const count of [records / 100, records / 10, records]) {
    await server.cli("flushall");
    empty = await usedMemory(server);
    filled = await task("fill", server, count);
    latest.push(await task("latest", server, count));
    filtered.push(await task("latest-filtered", server, count));
    console.log(
      `\n${count} interactions: latest 100 in ${shown(latest.at(-1))} ms, of one agent type in ${shown(filtered.at(-1))} ms (medians of 200)`,
    );
  }
  bars["redis.latest"] = growth(latest);
  bars["redis.latest.filtered"] = growth(filtered);

  const file = join(folder, "store");
  const bytes = await fillStore(file, corpus(records));
  const memory = (await usedMemory(server)) - empty;
  console.log(`memory: ${Math.round(memory / records)} bytes an interaction of ${Math.round(bytes / records)} bytes`);
  bars["redis.memory"] = memory / bytes;

  const [parse, scan, index, dpo, dpoFile]: Measurement[][] = [[], [], [], [], []];
  for (let round = 0; round < rounds; round++) {
    parse?.push(await task("file-parse", server, records, file));
    scan?.push(await task("scan", server, records));
    index?.push(await task("scan-index", server, records));
    dpoFile?.push(await task("dpo-file", server, records, file));
    dpo?.push(await task("dpo", server, records));
  }
  printTable(`${records} interactions`, [
    { name: "read + JSON.parse of the file", rounds: parse ?? [] },
    { name: "query(), every record", rounds: scan ?? [] },
    { name: "scanIndex()", rounds: index ?? [] },
    { name: "DPO from the file store", rounds: dpoFile ?? [] },
    { name: "DPO from Redis", rounds: dpo ?? [] },
  ]);
  const wall = (runs: readonly Measurement[] = []) => median(runs.map(({ wallMs }) => wallMs));
  const full = wall(dpo) - wall(index) + wall(scan);
  console.log(
    `DPO with index columns ${(wall(dpo) / full).toFixed(2)} of what it takes when its first pass reads full records`,
  );
  bars["redis.scan.cpu"] = ratio(scan ?? [], parse ?? [], ({ cpuMs }) => cpuMs);

  const third = await task("cleanup", server, records, String(corpusTime(records / 3, records)));
  const share = (filled?.wallMs ?? 0) * (third.count / records);
  console.log(`cleanup of ${third.count} interactions in ${shown(third)} ms, ingested in ${Math.round(share)} ms`);
  bars["redis.cleanup"] = third.wallMs / share;
}

/** How evenly the servers of a cluster are used. */
async function inCluster(): Promise<void> {
  await using cluster = await startRedisCluster({ config });
  const before = await Promise.all(cluster.servers.map(load));
  await measureApart("fill", [cluster.url, String(ingested)], "redis-task.ts");
  const after = await Promise.all(cluster.servers.map(load));
  const memory = after.map((now, i) => now.memory - (before[i]?.memory ?? 0));
  const commands = after.map((now, i) => now.commands - (before[i]?.commands ?? 0));
  const inMb = memory.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(", ");
  console.log(`\nthree masters with ${ingested} interactions: ${inMb} MB, ${commands.join(", ")} commands`);
  bars["redis.cluster.memory"] = Math.max(...memory) / Math.min(...memory);
  bars["redis.cluster.commands"] = Math.max(...commands) / Math.min(...commands);
}

interface ServerRun extends Measurement {
  /** CPU of the server. */
  readonly serverMs: number;
}

function task(name: string, server: RedisServer, count: number, more = ""): Promise<Measurement> {
  return measureApart(name, [server.url, String(count), more], "redis-task.ts");
}

function shown(measurement: Measurement | undefined): string {
  return measurement?.wallMs.toFixed(2) ?? "";
}

function growth(sizes: readonly Measurement[]): number {
  return (sizes.at(-1)?.wallMs ?? 0) / (sizes[0]?.wallMs ?? 1);
}

async function serverCpu(server: RedisServer): Promise<number> {
  const info = await server.cli("info", "cpu");
  const seconds = (name: string) => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1]);
  return 1_000 * (seconds("used_cpu_user") + seconds("used_cpu_sys"));
}

async function usedMemory(server: RedisServer): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await server.cli("info", "memory"))?.[1]);
}

async function load(server: RedisServer): Promise<{ readonly memory: number; readonly commands: number }> {
  const commands = /total_commands_processed:(\d+)/.exec(await server.cli("info", "stats"))?.[1];
  return { memory: await usedMemory(server), commands: Number(commands) };
}
