import { fileURLToPath } from "node:url";
import { ConfigError } from "./errors.js";
import type { InteractionStore } from "./store.js";
import { fileStore } from "./stores/file-store.js";
import { memoryStore } from "./stores/memory-store.js";
import { redisStore } from "./stores/redis-store.js";

/** Where a store is when neither the caller nor the environment says otherwise. */
export const DEFAULT_STORE_URL = "file:./.whetstone";

/**
 * The URL that is meant when none is given: `WHETSTONE_URL`, else `REDIS_URL`, else `REDIS_HOST` with `REDIS_PORT` and
 * `REDIS_DB`, else `file:./.whetstone`.
 */
export function defaultStoreUrl(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const { WHETSTONE_URL, REDIS_URL, REDIS_HOST, REDIS_PORT = "", REDIS_DB = "" } = env;
  if (WHETSTONE_URL || REDIS_URL) return WHETSTONE_URL || REDIS_URL || "";
  if (!REDIS_HOST) return DEFAULT_STORE_URL;
  return `redis://${REDIS_HOST}${REDIS_PORT && `:${REDIS_PORT}`}${REDIS_DB && `/${REDIS_DB}`}`;
}

/**
 * Opens the store that a URL names: `file:./folder`, `redis://`, `rediss://`, `redis-cluster://` or `memory:`. Without a
 * URL it is `defaultStoreUrl()`. Opening is lazy: nothing is touched before the first call.
 * @throws ConfigError for a URL of another kind
 */
export function openStore(url: string = defaultStoreUrl()): InteractionStore {
  if (url === "memory:") return memoryStore();
  if (url.startsWith("file:")) return fileStore(folderOf(url));
  if (/^rediss?(-cluster)?:/.test(url)) return redisStore({ url });
  const shown = url.replace(/\/\/.*@/s, "//…@"); // whatever it is, a password in it is nobody's business
  throw new ConfigError(`no store is known for "${shown}": use file:./folder, redis://host or memory:`);
}

function folderOf(url: string): string {
  // Three slashes make it a real URL, with its escapes; anything else is a plain path behind the scheme.
  const path = url.startsWith("file:///") ? fileURLToPath(url) : url.slice("file:".length);
  if (path === "") throw new ConfigError(`the store URL "${url}" names no folder: use file:./folder`);
  return path;
}
