import { StoreError } from "../../errors.js";

/** What a server says of itself, as far as the store has to know it. */
export interface ServerFacts {
  readonly version: string;
  /** Changes with every start of the server. */
  readonly runId: string;
  readonly isCluster: boolean;
  readonly role: string;
  readonly policy: string;
  readonly usedBytes: number;
  /** 0 is without limit. */
  readonly maxBytes: number;
  /** What stays when the server restarts. */
  readonly persistence: "aof" | "rdb" | "none" | "unknown";
  readonly persistenceFailed: boolean;
}

/** Reads the answer of INFO. What is missing, on a managed Redis for example, counts as unknown. */
export function parseInfo(info: string): ServerFacts {
  const lines = info.split(/\r?\n/).map((line) => line.split(/:(.*)/s, 2) as [string, string?]);
  const fields = new Map(lines.map(([name, value]) => [name, value ?? ""]));
  const field = (name: string) => fields.get(name) ?? "";
  return {
    version: field("redis_version"),
    runId: field("run_id"),
    isCluster: field("redis_mode") === "cluster" || field("cluster_enabled") === "1",
    role: field("role"),
    policy: field("maxmemory_policy"),
    usedBytes: Number(field("used_memory")),
    maxBytes: Number(field("maxmemory")),
    persistence: field("aof_enabled") === "1" ? "aof" : "unknown",
    persistenceFailed: field("aof_last_write_status") === "err" || field("rdb_last_bgsave_status") === "err",
  };
}

/** Why this server cannot hold a store at all, or null. */
export function whyUnfit({ version, isCluster }: ServerFacts, where: string, asCluster: boolean): StoreError | null {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (version !== "" && (major < 6 || (major === 6 && minor < 2))) {
    return new StoreError("STORE_REFUSED", `Redis at ${where} is version ${version}: use 6.2 or newer`);
  }
  if (isCluster && !asCluster) {
    return new StoreError(
      "STORE_REFUSED",
      `Redis at ${where} is part of a cluster: use redis-cluster:// and no database`,
    );
  }
  return null;
}

/** Why what is stored may go without an error, or null. */
export function whyLossy({ policy }: ServerFacts, where: string): string | null {
  if (!policy.startsWith("allkeys-")) return null;
  return `Redis at ${where} may evict any key (maxmemory-policy ${policy}), also ours: set it to noeviction`;
}

/** What is not as it should be, one sentence each. */
export function concerns(facts: ServerFacts, where: string): string[] {
  const { role, usedBytes, maxBytes, persistence, persistenceFailed, runId } = facts;
  const lossy = whyLossy(facts, where);
  const full = maxBytes > 0 && usedBytes > NEARLY_FULL * maxBytes;
  const percent = Math.round((100 * usedBytes) / maxBytes);
  return [
    ...(lossy ? [lossy] : []),
    ...(role === "slave" ? [`Redis at ${where} is a replica, which takes no writes: name the primary`] : []),
    ...(full ? [`Redis at ${where} uses ${percent} % of maxmemory: raise it, or remove old days with cleanup`] : []),
    ...(persistence === "none"
      ? [`Redis at ${where} keeps nothing over a restart: set appendonly yes, or save points`]
      : []),
    ...(persistenceFailed ? [`Redis at ${where} failed to write its data to disk: see its log`] : []),
    ...(runId === "" ? [`Redis at ${where} does not answer INFO: its eviction policy is unknown; allow +info`] : []),
  ];
}

/** The same for a person, of one server or of all masters of a cluster. */
export function shownFacts(servers: readonly ServerFacts[]): Record<string, string | number> {
  const all = (of: (facts: ServerFacts) => string) =>
    [...new Set(servers.map((facts) => of(facts) || "unknown"))].join(", ");
  const sum = (of: (facts: ServerFacts) => number) => servers.reduce((total, facts) => total + (of(facts) || 0), 0);
  return {
    servers: servers.length,
    version: all(({ version }) => version),
    role: all(({ role }) => role),
    usedBytes: sum(({ usedBytes }) => usedBytes),
    maxBytes: sum(({ maxBytes }) => maxBytes),
    evictionPolicy: all(({ policy }) => policy),
    persistence: all(({ persistence }) => persistence),
  };
}

const NEARLY_FULL = 0.9;
