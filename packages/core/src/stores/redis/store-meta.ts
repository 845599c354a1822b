import { randomBytes } from "node:crypto";
import { StoreError } from "../../errors.js";
import { CLUSTER_TAGS, type Keys, ONE_TAG } from "./buckets.js";
import type { RedisConnection } from "./redis-connection.js";
import type { RedisCommand } from "./redis-like.js";

/** The version of the layout of keys and values. */
export const LAYOUT = "1";

/** What holds for the whole store. It is written once, by whoever writes first. */
export interface StoreMeta {
  readonly tags: readonly string[];
  /** Of the pseudonyms. */
  readonly salt: string;
}

/**
 * Reads the meta data; null when there is no store. With `create` they are written where they are missing: as `known`
 * says when this process knew the store before Redis lost it, so that pseudonyms given before stay good.
 */
export async function openMeta(
  connection: RedisConnection,
  { meta }: Keys,
  { create, known, where }: { readonly create: boolean; readonly known: StoreMeta | null; readonly where: string },
): Promise<StoreMeta | null> {
  const read: RedisCommand = ["hmget", meta, "layout", "tags", "salt"];
  let found = await values();
  if (found[0] === null && create) {
    const tags = (await connection.isCluster()) ? CLUSTER_TAGS : ONE_TAG;
    const salt = known?.salt ?? randomBytes(32).toString("hex");
    const created = new Date().toISOString();
    // Field by field and only where missing: of two processes that begin at once both end with the same values.
    await connection.transact(
      Object.entries({ salt, tags: tags.length, created, layout: LAYOUT }).map(([field, value]) => {
        return ["hsetnx", meta, field, value];
      }),
    );
    found = await values();
  }
  const [layout, tags, salt] = found;
  if (layout === null || layout === undefined) return null;
  if (layout !== LAYOUT) {
    throw notAStore(`has layout ${layout}, and this version knows ${LAYOUT}: update whetstone`);
  }
  const ours = [ONE_TAG, CLUSTER_TAGS].find(({ length }) => String(length) === tags);
  if (!ours || !salt) throw notAStore("misses fields of ours: restore it, or use another prefix");
  return { tags: ours, salt };

  async function values(): Promise<(string | null)[]> {
    try {
      const [answer] = await connection.run([read]);
      return answer as (string | null)[];
    } catch (error) {
      if (!StoreError.isInstance(error) || error.code !== "STORE_RECORD_REFUSED") throw error;
      throw notAStore("is something else than a hash of ours: use another prefix");
    }
  }

  function notAStore(why: string): StoreError {
    return new StoreError("STORE_NOT_A_STORE", `the key ${meta} at ${where} ${why}`);
  }
}
