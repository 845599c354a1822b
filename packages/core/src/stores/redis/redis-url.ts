import { ConfigError } from "../../errors.js";
import { DEFAULT_PREFIX } from "./buckets.js";
import type { RedisLike } from "./redis-like.js";

/** Where a Redis is and how we get in. */
export interface RedisPlace {
  readonly cluster: boolean;
  readonly tls: boolean;
  readonly endpoints: readonly Endpoint[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly prefix: string | undefined;
  readonly strict: boolean | undefined;
  /** The server or servers as a URL, without user name, password, options and what is the default. */
  readonly shown: string;
}

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const FORMS = "redis://host:port/db, rediss://host:port/db for TLS, or redis-cluster://host:port,host:port";

/**
 * Reads `redis://`, `rediss://` (TLS), `redis-cluster://` and `rediss-cluster://` URLs:
 * `scheme://[user[:password]@]host[:port][,host:port…][/db][?prefix=…&strict=true]`.
 * @throws ConfigError that names what is wrong, and no password
 */
export function parseRedisUrl(url: string): RedisPlace {
  const parts = /^(rediss?)(-cluster)?:\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(url);
  const [, scheme, clustered, user, hosts = "", path = "", query = ""] = parts ?? [];
  // A second @, or one behind a / ? or #, belongs to a secret: no message may show what lies around it.
  if ((parts ? `${hosts}${path}${query}` : url).includes("@")) throw notEncoded();
  if (!parts) throw new ConfigError(`the Redis URL cannot be read: use ${FORMS}`);
  const cluster = clustered !== undefined;
  const shown = `${scheme}${clustered ?? ""}://${hosts}${path ? `/${path}` : ""}`;
  const endpoints = (hosts || "127.0.0.1").split(",").map((endpoint) => parseEndpoint(endpoint, shown));
  if (endpoints.length > 1 && !cluster) {
    throw new ConfigError(`"${shown}" names several servers: use redis-cluster:// for a cluster, or one host`);
  }
  const db = path === "" ? 0 : Number(path);
  if (!Number.isInteger(db) || db < 0 || !/^\d*$/.test(path)) {
    throw new ConfigError(`"${path}" in "${shown}" is no database number: use a number such as /0, or leave it out`);
  }
  if (cluster && db !== 0) {
    throw new ConfigError(`"${shown}" asks for database ${db}, but a cluster has only database 0: leave /${db} out`);
  }
  const options = new URLSearchParams(query);
  for (const name of options.keys()) {
    if (name !== "prefix" && name !== "strict") {
      throw new ConfigError(`"${name}" in "${shown}" is no option of a Redis URL: use prefix or strict`);
    }
  }
  const strict = options.get("strict");
  if (strict !== null && strict !== "true" && strict !== "false") {
    throw new ConfigError(`strict is "${strict}" in "${shown}": use strict=true or strict=false`);
  }
  const { username, password } = parseUser(user);
  const tls = scheme === "rediss";
  return {
    cluster,
    tls,
    endpoints,
    username,
    password,
    db,
    prefix: options.get("prefix") ?? undefined,
    strict: strict === null ? undefined : strict === "true",
    shown: serverUrl({ cluster, tls, endpoints, db }),
  };
}

/** The URL that opens the store again; what is the default is left out. */
export function storeUrl(
  where: string,
  { prefix, strict }: { readonly prefix: string; readonly strict: boolean },
): string {
  const options = new URLSearchParams({
    ...(prefix !== DEFAULT_PREFIX && { prefix }),
    ...(strict && { strict: "true" }),
  }).toString();
  return options === "" ? where : `${where}?${options}`;
}

/** Where a client of the caller's leads to, as far as it tells: the same before it is connected and afterwards. */
export function clientUrl(client: RedisLike | undefined): string {
  const { host, port, path, db, tls, redisOptions } = optionsOf(client);
  if (typeof path === "string") return `redis://${path}${db ? `/${db}` : ""}`; // a socket of this machine
  const cluster = client?.isCluster === true;
  const endpoints = cluster ? startupNodes(client) : [endpointOf({ host, port })];
  return serverUrl({ cluster, tls: Boolean(tls ?? redisOptions?.tls), endpoints, db: Number(db ?? 0) });
}

/** What a client of the caller's puts in front of every key, in front of our own prefix. */
export function clientKeyPrefix(client: RedisLike | undefined): string {
  return String(optionsOf(client).keyPrefix ?? "");
}

interface ClientOptions {
  readonly host?: unknown;
  readonly port?: unknown;
  readonly path?: unknown;
  readonly db?: unknown;
  readonly tls?: unknown;
  readonly keyPrefix?: unknown;
  readonly redisOptions?: { readonly tls?: unknown };
}

const optionsOf = (client: unknown): ClientOptions =>
  (client as { options?: ClientOptions } | undefined)?.options ?? {};

/** The servers that a cluster's client was made with: each a port, a URL or an object. */
function startupNodes(client: RedisLike): Endpoint[] {
  const given = (client as { startupNodes?: unknown }).startupNodes;
  return (Array.isArray(given) ? given : []).map((node: unknown) => {
    if (typeof node === "number") return endpointOf({ port: node });
    if (typeof node !== "string") return endpointOf(node as ClientOptions);
    const { hostname, port } = new URL(node.includes("//") ? node : `redis://${node}`);
    return endpointOf({ host: hostname.replace(/^\[|\]$/g, "") || undefined, port: port || undefined });
  });
}

function endpointOf({ host = "127.0.0.1", port = 6379 }: ClientOptions): Endpoint {
  return { host: String(host), port: Number(port) };
}

/** One name for one place, so that what waits for it on disk is found again. */
function serverUrl({ cluster, tls, endpoints, db }: Pick<RedisPlace, "cluster" | "tls" | "endpoints" | "db">): string {
  const hosts = endpoints.map(({ host, port }) => {
    return `${host.includes(":") ? `[${host}]` : host}${port === 6379 ? "" : `:${port}`}`;
  });
  return `${tls ? "rediss" : "redis"}${cluster ? "-cluster" : ""}://${hosts.join(",")}${db ? `/${db}` : ""}`;
}

function parseEndpoint(endpoint: string, shown: string): { host: string; port: number } {
  const [, bracketed, plain, digits = "6379"] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(endpoint) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new ConfigError(`"${endpoint}" in "${shown}" is no server: use host:port, such as 127.0.0.1:6379`);
  }
  return { host, port };
}

function parseUser(user: string | undefined): { username: string | undefined; password: string | undefined } {
  if (user === undefined || user === "") return { username: undefined, password: undefined };
  const colon = user.indexOf(":");
  const [name, secret] = colon < 0 ? [user, undefined] : [user.slice(0, colon), user.slice(colon + 1)];
  try {
    return {
      username: name === "" ? undefined : decodeURIComponent(name),
      password: secret === undefined ? undefined : decodeURIComponent(secret),
    };
  } catch {
    throw notEncoded();
  }
}

function notEncoded(): ConfigError {
  return new ConfigError(
    "user name or password of the Redis URL are not percent-encoded: write @ as %40, / as %2F, # as %23, % as %25",
  );
}
