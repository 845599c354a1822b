import { DAY_MS, dayStart } from "../../day.js";
import { type AgentCounts, type StatsCounter, statsCounter } from "../../store-stats.js";
import type { Bucket } from "./buckets.js";
import type { RedisConnection } from "./redis-connection.js";
import { timeRows } from "./time-rows.js";

const HOUR_MS = 3_600_000;
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const VERSIONS = HOURS.map((hour) => `v${hour}`);

/** The field of a bucket's counts that changes with every write to an hour of its day. */
export function hourField(timestamp: number): string {
  return VERSIONS[Math.floor(timestamp / HOUR_MS) % 24] as string;
}

export interface CountedRange {
  readonly startTime: number;
  readonly endTime: number;
}

/**
 * Counts the records of a bucket. What was counted is kept in Redis, hour by hour, with the version of the hour that
 * was counted; every write changes that version. So a counting reads only the hours that changed since the last one,
 * and it is exact whatever was sent twice or from several processes at once, which counters would not be.
 */
export async function countBucket(
  connection: RedisConnection,
  bucket: Bucket,
  range: CountedRange,
): Promise<StatsCounter> {
  const from = dayStart(bucket.day);
  const fields = HOURS.flatMap((hour) => [`v${hour}`, `s${hour}`]);
  const [answer, size] = await connection.run([
    ["hmget", bucket.counts, ...fields],
    ["zcard", bucket.times],
  ]);
  const kept = answer as (string | null)[];
  const isWhole = range.startTime <= from && range.endTime >= from + DAY_MS;
  const counted = statsCounter();
  const renewed: string[] = [];
  for (const hour of HOURS) {
    const [version, text] = [kept[2 * hour], kept[2 * hour + 1]];
    if (version === null || version === undefined) continue; // nothing was ever written to this hour
    const startTime = from + hour * HOUR_MS;
    const endTime = startTime + HOUR_MS;
    if (endTime <= range.startTime || startTime >= range.endTime) continue;
    if (startTime < range.startTime || endTime > range.endTime) {
      await countRows(connection, bucket, intersection(range, { startTime, endTime }), counted);
      continue;
    }
    let agents = countsOf(text, version);
    if (!agents) {
      agents = await countHour({ startTime, endTime });
      renewed.push(`s${hour}`, JSON.stringify({ version, agents }));
    }
    for (const [agentType, counts] of agents) counted.addCounts(agentType, counts);
  }
  // Kept for the next time; a user who may only read goes without.
  if (renewed.length > 0) await connection.run([["hset", bucket.counts, ...renewed]]).catch(() => undefined);
  if (!isWhole || counted.result().totalInteractions === Number(size)) return counted;
  // Written to meanwhile, or the versions are gone because Redis evicted them: the index itself knows.
  const recounted = statsCounter();
  await countRows(connection, bucket, range, recounted);
  return recounted;

  async function countHour(hour: CountedRange): Promise<AgentEntry[]> {
    const hourCounter = statsCounter();
    await countRows(connection, bucket, hour, hourCounter);
    return [...hourCounter.counts()];
  }
}

type AgentEntry = readonly [agentType: string, counts: AgentCounts];

/** What was kept for an hour, when it is of this version. */
function countsOf(text: string | null | undefined, version: string): AgentEntry[] | null {
  if (!text) return null;
  const kept = JSON.parse(text) as { readonly version: string; readonly agents: AgentEntry[] };
  return kept.version === version ? kept.agents : null;
}

const intersection = (a: CountedRange, b: CountedRange): CountedRange => ({
  startTime: Math.max(a.startTime, b.startTime),
  endTime: Math.min(a.endTime, b.endTime),
});

async function countRows(
  connection: RedisConnection,
  bucket: Bucket,
  range: CountedRange,
  counter: StatsCounter,
): Promise<void> {
  for await (const rows of timeRows(connection, [bucket], { ...range, withLateFacts: true })) {
    for (const row of rows) counter.add(row);
  }
}
