import { dayOf } from "../../day.js";
import { idTime } from "../../interaction-id.js";
import { type Bucket, type Keys, tagOf } from "./buckets.js";
import { groupBy } from "./group-by.js";
import type { RedisConnection } from "./redis-connection.js";
import type { RedisCommand } from "./redis-like.js";

/** Where a record lies. */
export interface RecordPlace {
  readonly bucket: Bucket;
  readonly interactionId: string;
}

/** The bucket of an id and a time. */
export function bucketAt(keys: Keys, interactionId: string, timestamp: number, tags: readonly string[]): Bucket {
  return keys.bucket(tagOf(interactionId, tags), dayOf(timestamp));
}

/** True when the id is a UUIDv7 of exactly this time: then nothing else has to say where its record lies. */
export function tellsItsTime(interactionId: string, timestamp: number): boolean {
  return idTime(interactionId) === timestamp;
}

/**
 * The times of those ids that are stored, in one round trip a tag. An id of ours tells its time, and the quality index
 * of that day tells whether it is stored; another id stands in its tag's list of foreign ids.
 */
export async function timesOf(
  connection: RedisConnection,
  keys: Keys,
  ids: readonly string[],
  tags: readonly string[],
): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  const byTag = groupBy(ids, (id) => tagOf(id, tags));
  await Promise.all(
    [...byTag].map(async ([tag, tagged]) => {
      const own = tagged.filter((id) => idTime(id) !== null);
      const byDay = [...groupBy(own, (id) => dayOf(idTime(id) ?? 0))];
      const [foreign, ...answers] = (await connection.run([
        ["zmscore", keys.foreignIds(tag), ...tagged],
        ...byDay.map(([day, those]): RedisCommand => {
          return ["zmscore", keys.bucket(tag, day).qualities, ...those];
        }),
      ])) as (string | null)[][];
      for (const [i, [, those]] of byDay.entries()) {
        those.forEach((id, j) => {
          if (answers[i]?.[j] != null) times.set(id, idTime(id) ?? 0);
        });
      }
      tagged.forEach((id, i) => {
        if (foreign?.[i] != null) times.set(id, Number(foreign[i]));
      });
    }),
  );
  return times;
}
