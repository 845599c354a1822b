import { idTime } from "../../interaction-id.js";
import type { InteractionFilter } from "../../store.js";
import type { Bucket, Keys } from "./buckets.js";
import type { RecordPlace } from "./record-places.js";
import type { RedisConnection } from "./redis-connection.js";

/** Beyond so many, reading by time and looking up each score is cheaper than sorting. */
const MOST = 4_096;
/** The quality index decides when it leaves at most one record of so many. */
const RARE = 8;

/** The part of the quality index that a filter means, or null when the filter says nothing about scores. */
export function qualityRange({ minQuality, scored }: InteractionFilter): readonly [string, string] | null {
  if (scored === false) return minQuality === undefined ? ["-1", "-1"] : ["+inf", "-inf"]; // no score is both
  if (minQuality !== undefined) return [String(minQuality), "+inf"];
  return scored ? ["0", "+inf"] : null;
}

/**
 * The records of one day that the quality index finds, oldest first, when they are few among many; null when they are
 * not, and reading by time is the better way.
 */
export async function qualityPlaces(
  connection: RedisConnection,
  keys: Keys,
  buckets: readonly Bucket[],
  range: readonly [string, string],
): Promise<(RecordPlace & { readonly timestamp: number })[] | null> {
  const sizes = await Promise.all(
    buckets.map(async ({ qualities }) => {
      const counts = await connection.run([
        ["zcount", qualities, ...range],
        ["zcard", qualities],
      ]);
      return counts.map(Number) as [found: number, all: number];
    }),
  );
  const found = sizes.reduce((sum, [count]) => sum + count, 0);
  const all = sizes.reduce((sum, [, count]) => sum + count, 0);
  if (found > MOST || found * RARE > all) return null;
  const places = await Promise.all(
    buckets.map(async (bucket, i) => {
      if (sizes[i]?.[0] === 0) return [];
      const [answer] = await connection.run([["zrange", bucket.qualities, ...range, "byscore"]]);
      const ids = answer as string[];
      if (ids.length === 0) return [];
      const [times] = await connection.run([["zmscore", keys.foreignIds(bucket.tag), ...ids]]);
      return ids.map((interactionId, j) => {
        const time = (times as (string | null)[])[j];
        return { bucket, interactionId, timestamp: time == null ? (idTime(interactionId) ?? 0) : Number(time) };
      });
    }),
  );
  return places.flat().sort((a, b) => a.timestamp - b.timestamp || (a.interactionId < b.interactionId ? -1 : 1));
}
