import { DAY_MS, dayNumber, dayStart } from "../../day.js";
import type { Bucket, Keys } from "./buckets.js";
import { hourField } from "./hour-stats.js";
import type { RedisCommand } from "./redis-like.js";
import { timeMember } from "./time-entry.js";
import type { TimeRow } from "./time-rows.js";

/** A record as its bucket keeps it. */
export interface BucketRecord {
  readonly interactionId: string;
  readonly timestamp: number;
  /** UTF-8. */
  readonly json: Buffer;
  /** Of the time index, see `time-entry.ts`. */
  readonly entry: string;
  /** -1 is unscored. */
  readonly overall: number;
  /** The id does not tell the time, so it is looked up by another index. */
  readonly foreign: boolean;
}

type Command = [name: string, ...values: (string | number | Buffer)[]];

/** What writes records of one bucket: one command a key, however many records. To be sent as one transaction. */
export function writeCommands(keys: Keys, bucket: Bucket, records: readonly BucketRecord[]): RedisCommand[] {
  const texts: Command = ["hset", bucket.records];
  const times: Command = ["zadd", bucket.times];
  // NX: a record that is written again, because half of it was lost, keeps the scores that came later.
  const qualities: Command = ["zadd", bucket.qualities, "nx"];
  const foreign: Command = ["zadd", keys.foreignIds(bucket.tag)];
  const hours = new Set<string>();
  for (const { interactionId, timestamp, json, entry, overall, foreign: isForeign } of records) {
    texts.push(interactionId, json);
    times.push(timestamp, entry);
    qualities.push(overall, interactionId);
    if (isForeign) foreign.push(timestamp, interactionId);
    hours.add(hourField(timestamp));
  }
  const day = dayNumber(records[0]?.timestamp ?? 0);
  return [
    texts,
    times,
    qualities,
    ...(foreign.length > 2 ? [foreign] : []),
    ["zadd", keys.days(bucket.tag), day, bucket.day],
    ...[...hours].map((hour): RedisCommand => ["hincrby", bucket.counts, hour, 1]),
  ];
}

/**
 * One command that writes records whose ids do not tell their time, and answers 1 for each that it stored and 0 for each
 * whose id another process took meanwhile, for whatever day. An id of ours is random, so nobody else can take it; for
 * somebody's own only the server can tell who came first, and a script is what it takes.
 */
export function claimCommand(keys: Keys, bucket: Bucket, records: readonly BucketRecord[]): RedisCommand {
  const { tag, day, records: texts, times, qualities, counts } = bucket;
  const used = [keys.foreignIds(tag), texts, times, qualities, counts, keys.days(tag)];
  const values = records.flatMap(({ interactionId, timestamp, json, entry, overall }) => {
    return [interactionId, timestamp, json, entry, overall, hourField(timestamp)];
  });
  return ["eval", CLAIM, used.length, ...used, day, dayNumber(records[0]?.timestamp ?? 0), ...values];
}

const CLAIM = `
local ids, texts, times, qualities, counts, days = unpack(KEYS)
local statuses = {}
for i = 3, #ARGV, 6 do
  local id, timestamp, json, entry, overall, hour = unpack(ARGV, i, i + 5)
  local taken = redis.call('zadd', ids, 'NX', timestamp, id)
  if taken == 1 then
    redis.call('hset', texts, id, json)
    redis.call('zadd', times, timestamp, entry)
    redis.call('zadd', qualities, 'NX', overall, id)
    redis.call('hincrby', counts, hour, 1)
    redis.call('zadd', days, ARGV[2], ARGV[1])
  end
  statuses[#statuses + 1] = taken
end
return statuses`;

/** What removes a bucket with everything about it. The first result is the number of records it had. */
export function removeCommands(keys: Keys, bucket: Bucket): RedisCommand[] {
  const { records, times, qualities, annotations, demonstrations, counts, tag, day } = bucket;
  const dayStartMs = dayStart(day);
  return [
    ["hlen", records],
    ["unlink", records, times, qualities, annotations, demonstrations, counts],
    ["zremrangebyscore", keys.foreignIds(tag), dayStartMs, `(${dayStartMs + DAY_MS}`],
    ["zrem", keys.days(tag), day],
  ];
}

/** What removes records of one bucket with all that was said of them. To be sent as one transaction. */
export function eraseCommands(keys: Keys, bucket: Bucket, rows: readonly TimeRow[]): RedisCommand[] {
  const ids = rows.map(({ interactionId }) => interactionId);
  return [
    ["hdel", bucket.records, ...ids],
    ["hdel", bucket.annotations, ...ids],
    ["srem", bucket.demonstrations, ...ids],
    ["zrem", bucket.times, ...rows.map(timeMember)],
    ["zrem", bucket.qualities, ...ids],
    ["zrem", keys.foreignIds(bucket.tag), ...ids],
    ...[...new Set(rows.map(({ timestamp }) => hourField(timestamp)))].map((hour): RedisCommand => {
      return ["hincrby", bucket.counts, hour, 1];
    }),
  ];
}
