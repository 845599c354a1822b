import { ConfigError } from "../../errors.js";
import { DEFAULT_PREFIX } from "./buckets.js";
import type { RedisLike } from "./redis-like.js";

/** Where a Redis is and how we get in. */
export interface RedisPlace {
  readonly cluster: boolean;
  readonly tls: boolean;
  readonly endpoints: readonly { readonly host: string; readonly port: number }[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly prefix: string | undefined;
  readonly strict: boolean | undefined;
  /** The server or servers as a URL, without user name, password and options. */
  readonly shown: string;
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
  return {
    cluster,
    tls: scheme === "rediss",
    endpoints,
    username,
    password,
    db,
    prefix: options.get("prefix") ?? undefined,
    strict: strict === null ? undefined : strict === "true",
    shown,
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

/** Where a client of the caller's is connected to, as far as it tells. */
export function clientUrl(client: RedisLike | undefined): string {
  type Options = { host?: unknown; port?: unknown; db?: unknown; tls?: unknown };
  const optionsOf = (one: unknown) => (one as { options?: Options } | undefined)?.options ?? {};
  const servers = client?.isCluster ? (client.nodes?.() ?? []) : [client];
  const hosts = servers.map((server) => `${optionsOf(server).host ?? "127.0.0.1"}:${optionsOf(server).port ?? 6379}`);
  const { db, tls } = optionsOf(servers[0]);
  const scheme = `${tls ? "rediss" : "redis"}${client?.isCluster ? "-cluster" : ""}`;
  return `${scheme}://${hosts.join(",")}${db ? `/${db}` : ""}`;
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
