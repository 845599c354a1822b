import { allOf } from "./all-of.js";
import { checkBucketTypes } from "./bucket-types.js";
import { type BucketRecord, claimCommand, writeCommands } from "./bucket-writes.js";
import type { Bucket, Keys } from "./buckets.js";
import { exclusiveById } from "./exclusive-by-id.js";
import { groupBy } from "./group-by.js";
import { portions } from "./portions.js";
import { bucketAt, timesOf } from "./record-places.js";
import type { RedisConnection } from "./redis-connection.js";
import type { RedisCommand } from "./redis-like.js";

const MOST_CHECKED = 10_000;

/** Stores records of different ids, and gives the ids that were not stored before. */
export type RecordWriter = (records: readonly BucketRecord[], options: WriteOptions) => Promise<Set<string>>;

export interface WriteOptions {
  readonly tags: readonly string[];
  /** Nobody else can have brought the ids. Written once more, such a record is what it was. */
  readonly newIds: boolean;
}

export function recordWriter(connection: RedisConnection, keys: Keys, where: string): RecordWriter {
  const oneAtATime = exclusiveById();
  const checked = new Set<string>();
  let checkedOf = -1;

  /** Writes what is not stored yet, and what is stored by half. */
  async function write(records: readonly BucketRecord[], { tags, newIds }: WriteOptions): Promise<Set<string>> {
    const fresh = new Set<string>();
    const byBucket = groupBy(records, ({ interactionId, timestamp }) => bucketAt(keys, interactionId, timestamp, tags));
    await allOf(
      [...byBucket].map(async ([bucket, given]) => {
        await checkTypes(bucket);
        const ids = given.map(({ interactionId }) => interactionId);
        const times = newIds ? NONE : await timesOf(connection, keys, ids, tags);
        const unknown = given.filter(({ interactionId }) => !times.has(interactionId));
        const known = given.filter(({ interactionId, timestamp }) => times.get(interactionId) === timestamp);
        const again = known.length > 0 ? await halfLost(bucket, known) : [];
        const own = unknown.filter(({ foreign }) => !foreign);
        for (const some of portions([...own, ...again], sizeOf)) {
          await connection.transact(writeCommands(keys, bucket, some));
        }
        for (const { interactionId } of own) fresh.add(interactionId);
        for (const some of portions(
          unknown.filter(({ foreign }) => foreign),
          sizeOf,
        )) {
          const [answer] = await connection.run([claimCommand(keys, bucket, some)]);
          for (const [i, { interactionId }] of some.entries()) {
            if (Number((answer as unknown[])[i]) === 1) fresh.add(interactionId);
          }
        }
      }),
    );
    return fresh;
  }

  /** Looks at a bucket's keys before the first write over a connection. */
  async function checkTypes(bucket: Bucket): Promise<void> {
    if (checkedOf !== connection.connections() || checked.size > MOST_CHECKED) checked.clear();
    checkedOf = connection.connections();
    if (checked.has(bucket.records)) return;
    await checkBucketTypes(connection, keys, bucket, where);
    checked.add(bucket.records);
  }

  /** Of records whose ids are known: those that are not whole, because a key was evicted for example. */
  async function halfLost(bucket: Bucket, known: readonly BucketRecord[]): Promise<BucketRecord[]> {
    const [times, ...texts] = await connection.run([
      ["zmscore", bucket.times, ...known.map(({ entry }) => entry)],
      ...known.map(({ interactionId }): RedisCommand => ["hexists", bucket.records, interactionId]),
    ]);
    return known.filter((_, i) => (times as unknown[])[i] === null || Number(texts[i]) !== 1);
  }

  return (records, options) => {
    return oneAtATime(
      records.map(({ interactionId }) => interactionId),
      () => write(records, options),
    );
  };
}

const NONE: ReadonlyMap<string, number> = new Map();
const sizeOf = ({ json }: BucketRecord): number => json.length;
