import type { InteractionStore } from "../store.js";
import { type RedisStoreOptions, redisTarget } from "./redis/redis-target.js";
import { storeOnceLoaded } from "./store-once-loaded.js";

/**
 * A store in Redis 6.2 or newer, a single server or a cluster: one store for many machines. See `docs/stores.md`.
 * Opening is lazy, and the code comes with it: who keeps interactions in files never loads it.
 * @throws ConfigError for wrong options
 */
export function redisStore(options: RedisStoreOptions): InteractionStore {
  const target = redisTarget(options);
  return storeOnceLoaded(target.url, async () => {
    const { redisStoreAt } = await import("./redis/redis-store.js");
    return redisStoreAt(target, options);
  });
}
