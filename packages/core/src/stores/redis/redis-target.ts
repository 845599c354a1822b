import { ConfigError } from "../../errors.js";
import { DEFAULT_PREFIX, type Keys, keysUnder } from "./buckets.js";
import type { RedisLike } from "./redis-like.js";
import { clientKeyPrefix, clientUrl, parseRedisUrl, type RedisPlace, storeUrl } from "./redis-url.js";

export interface RedisStoreOptions {
  /** `redis://`, `rediss://` or `redis-cluster://`; needs the package ioredis. */
  readonly url?: string;
  /** Or a client of your own, ioredis 5 or 6, single server or cluster. It stays open when the store is closed. */
  readonly client?: RedisLike;
  /** First part of every key, so that several applications share one Redis. Default `ws`. */
  readonly prefix?: string;
  /** Refuses a Redis whose eviction policy may remove records without an error. Default false: `health` says so. */
  readonly strict?: boolean;
  /** More options for the ioredis client that `url` makes, such as `{ tls: { ca } }`. */
  readonly clientOptions?: Readonly<Record<string, unknown>>;
}

/** Which Redis is meant, and which part of it. */
export interface RedisTarget {
  readonly client: RedisLike | RedisPlace;
  readonly prefix: string;
  readonly keys: Keys;
  readonly strict: boolean;
  /** The server as a URL for messages, without secrets. */
  readonly where: string;
  /** The store's own URL. */
  readonly url: string;
}

/** Reads a Redis store's options. @throws ConfigError for wrong ones */
export function redisTarget({ url, client, ...options }: RedisStoreOptions): RedisTarget {
  if ((url === undefined) === (client === undefined)) throw new ConfigError("redisStore needs either url or client");
  if (client && typeof client.pipeline !== "function") {
    throw new ConfigError("client is no Redis client: pass one of ioredis 5 or 6");
  }
  const place = url === undefined ? null : parseRedisUrl(url);
  const prefix = options.prefix ?? place?.prefix ?? DEFAULT_PREFIX;
  const strict = options.strict ?? place?.strict ?? false;
  const where = place?.shown ?? clientUrl(client);
  return {
    client: client ?? (place as RedisPlace),
    prefix,
    keys: keysUnder(prefix),
    strict,
    where,
    url: storeUrl(where, { prefix: clientKeyPrefix(client) + prefix, strict }),
  };
}
