import { StoreError } from "../../errors.js";
import type { Bucket, Keys } from "./buckets.js";
import type { RedisConnection } from "./redis-connection.js";
import type { RedisCommand } from "./redis-like.js";

/**
 * Fails when a key of the bucket holds something of another kind, so something of somebody else: a transaction would
 * run its other commands all the same, and leave half a record.
 */
export async function checkBucketTypes(
  connection: RedisConnection,
  keys: Keys,
  bucket: Bucket,
  where: string,
): Promise<void> {
  const expected: readonly (readonly [key: string, type: string])[] = [
    [bucket.records, "hash"],
    [bucket.times, "zset"],
    [bucket.qualities, "zset"],
    [bucket.annotations, "hash"],
    [bucket.demonstrations, "set"],
    [bucket.counts, "hash"],
    [keys.days(bucket.tag), "zset"],
    [keys.foreignIds(bucket.tag), "zset"],
  ];
  const types = await connection.run(expected.map(([key]): RedisCommand => ["type", key]));
  for (const [i, [key, type]] of expected.entries()) {
    if (types[i] === "none" || types[i] === type) continue;
    const sentence = `the key ${key} at ${where} holds a ${types[i]}, not ours: remove it, or use another prefix`;
    throw new StoreError("STORE_RECORD_REFUSED", sentence);
  }
}
