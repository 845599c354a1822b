import { randomBytes } from "node:crypto";
import { StoreError } from "../../errors.js";
import { CLUSTER_TAGS, type Keys, ONE_TAG } from "./buckets.js";
import type { RedisConnection } from "./redis-connection.js";

/** Of the layout of keys and values. */
const LAYOUT = "1";

/** What holds for the whole store. It is written once, by whoever writes first. */
export interface StoreMeta {
  readonly tags: readonly string[];
  /** Of the pseudonyms. */
  readonly salt: string;
}

/** Reads the meta data, and writes them where there is no store yet if `create`; null when there is none. */
export async function openMeta(
  connection: RedisConnection,
  { meta }: Keys,
  { create, where }: { readonly create: boolean; readonly where: string },
): Promise<StoreMeta | null> {
  const read = ["hmget", meta, "layout", "tags", "salt"];
  let found = await values();
  if (found[0] === null && create) {
    const tags = (await connection.isCluster()) ? CLUSTER_TAGS : ONE_TAG;
    const fields = {
      salt: randomBytes(32).toString("hex"),
      tags: String(tags.length),
      created: new Date().toISOString(),
    };
    // Field by field and only where missing: of two processes that begin at once both end with the same values.
    await connection.transact([
      ...Object.entries(fields).map(([name, value]) => ["hsetnx", meta, name, value]),
      ["hsetnx", meta, "layout", LAYOUT],
    ]);
    found = await values();
  }
  const [layout, tags, salt] = found;
  if (layout === null || layout === undefined) return null;
  if (layout !== LAYOUT) {
    throw notAStore(`has layout ${layout}, and this version knows ${LAYOUT}: update whetstone`);
  }
  const known = [ONE_TAG, CLUSTER_TAGS].find(({ length }) => String(length) === tags);
  if (!known || !salt) throw notAStore(`misses its fields: restore ${meta}, or use another prefix`);
  return { tags: known, salt };

  async function values(): Promise<(string | null)[]> {
    try {
      const [answer] = await connection.run([read]);
      return answer as (string | null)[];
    } catch (error) {
      if (!StoreError.isInstance(error) || error.code !== "STORE_RECORD_REFUSED") throw error;
      throw notAStore(`is no hash: something else lives under ${meta}, use another prefix`);
    }
  }

  function notAStore(why: string): StoreError {
    return new StoreError("STORE_NOT_A_STORE", `the Redis store at ${where} ${why}`);
  }
}
