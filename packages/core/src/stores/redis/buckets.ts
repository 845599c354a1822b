import { ConfigError } from "../../errors.js";
import { hash32 } from "../../hash.js";

/**
 * The keys of one UTC day and one hash tag. All of them lie in one slot, so that a record and its indexes are written
 * in one transaction. `docs/stores.md` describes them.
 */
export interface Bucket {
  readonly tag: string;
  readonly day: string;
  /** HASH id → JSON of the record. */
  readonly records: string;
  /** ZSET by timestamp; the member carries the index columns, see `time-entry.ts`. */
  readonly times: string;
  /** ZSET id by effective overall, -1 unscored. */
  readonly qualities: string;
  /** HASH id → what was said later, see `late-facts.ts`. */
  readonly annotations: string;
  /** SET of the ids that have a demonstration. */
  readonly demonstrations: string;
  /** HASH of what `stats` computed, an hour each, see `hour-stats.ts`. */
  readonly counts: string;
}

/** Redis keys by name. */
export interface Keys {
  readonly meta: string;
  bucket(tag: string, day: string): Bucket;
  /** ZSET of a tag's days, by day number. */
  days(tag: string): string;
  /** ZSET of a tag's ids that do not tell their own time, by timestamp. */
  foreignIds(tag: string): string;
}

export const DEFAULT_PREFIX = "ws";

export function keysUnder(prefix: string): Keys {
  if (!/^[\w.:-]{1,64}$/.test(prefix)) {
    throw new ConfigError(`prefix is ${JSON.stringify(prefix)}: use up to 64 letters, digits and _ . : -`);
  }
  const remembered = new Map<string, Map<string, Bucket>>();
  return {
    meta: `${prefix}:meta`,
    days: (tag) => `${prefix}:{${tag}}:days`,
    foreignIds: (tag) => `${prefix}:{${tag}}:ids`,
    bucket(tag, day) {
      const days = remembered.get(tag) ?? new Map<string, Bucket>();
      remembered.set(tag, days);
      const known = days.get(day);
      if (known) return known;
      const base = `${prefix}:{${tag}}:${day}`;
      const bucket = {
        tag,
        day,
        records: `${base}:r`,
        times: `${base}:t`,
        qualities: `${base}:q`,
        annotations: `${base}:a`,
        demonstrations: `${base}:d`,
        counts: `${base}:c`,
      };
      if (days.size >= REMEMBERED) days.clear();
      days.set(day, bucket);
      return bucket;
    },
  };
}

/** Days of a tag. */
const REMEMBERED = 1_024;

/** The tags of a single server. */
export const ONE_TAG: readonly string[] = ["0"];

/**
 * The tags of a cluster: the slot of the i-th is the middle of the i-th part of 24 equal parts of the 16,384 slots, so
 * that 2, 3, 4 or 6 masters hold and serve equal shares, every day.
 */
export const CLUSTER_TAGS: readonly string[] =
  "3o7 dlj 09e bij 5j7 45h f0m 130 0lo 760 qsu aj2 1mq ng4 g1s hb4 7hq cyv 91c 31v gdy 54v 7ys cht".split(" ");

/** Where an id lies, for good: it depends on nothing but the id and the number of tags. */
export function tagOf(interactionId: string, tags: readonly string[]): string {
  const place = tags.length === 1 ? 0 : hash32(interactionId) % tags.length;
  return tags[place] as string;
}
