import { type ErrorCode, StoreError } from "../../errors.js";

/** Makes a `StoreError` of whatever a Redis client rejected with; the code tells its `storeFault`. `where` shows no secret. */
export function redisError(cause: unknown, where: string): StoreError {
  if (StoreError.isInstance(cause)) return cause;
  const told = textOf(cause);
  const known = REPLIES.find(({ sign }) => sign.test(told));
  if (known) return new StoreError(known.code, `${known.says(where, told)}`, { cause });
  return new StoreError("STORE_UNAVAILABLE", `Redis at ${where} does not answer: ${firstLine(told)}`, { cause });
}

interface Reply {
  readonly sign: RegExp;
  readonly code: ErrorCode;
  readonly says: (where: string, told: string) => string;
}

/** In this order: the first that fits speaks. */
const REPLIES: readonly Reply[] = [
  {
    sign: /WRONGPASS|invalid password|AUTH.* failed/i,
    code: "STORE_REFUSED",
    says: (where) => `Redis at ${where} refuses the user name or password: correct them in the URL`,
  },
  {
    sign: /NOAUTH/,
    code: "STORE_REFUSED",
    says: (where) => `Redis at ${where} wants a password: use redis://user:password@host:port`,
  },
  {
    sign: /NOPERM/,
    code: "STORE_REFUSED",
    says: (where, told) => `Redis at ${where} lacks a permission of this user (${permission(told)}): ${ACL_HINT}`,
  },
  {
    sign: /CERT|self.signed|unable to (get|verify)|ERR_TLS|altname|SSL|EPROTO|secure TLS|wrong version number/i,
    code: "STORE_REFUSED",
    says: (where, told) =>
      `no secure connection to Redis at ${where} (${firstLine(told)}): use redis:// where the server speaks no TLS, ` +
      "or make its authority known with NODE_EXTRA_CA_CERTS",
  },
  {
    sign: /Protocol error, got/,
    code: "STORE_REFUSED",
    says: (where) => `${where} answers, but not as a Redis does: check host and port`,
  },
  {
    sign: /cluster support disabled/i,
    code: "STORE_REFUSED",
    says: (where) => `Redis at ${where} is no cluster: use redis:// with one host`,
  },
  {
    sign: /SELECT is not allowed in cluster|^MOVED/i,
    code: "STORE_REFUSED",
    says: (where) => `Redis at ${where} is part of a cluster: use redis-cluster:// and no database number`,
  },
  {
    sign: /DB index is out of range|invalid DB index/i,
    code: "STORE_REFUSED",
    says: (where) => `Redis at ${where} has no database of this number: use a smaller one, such as /0`,
  },
  {
    sign: /unknown command/i,
    code: "STORE_REFUSED",
    says: (where, told) => `Redis at ${where} lacks a command (${firstLine(told)}): use Redis 6.2 or newer`,
  },
  {
    sign: /WRONGTYPE/,
    code: "STORE_RECORD_REFUSED",
    says: (where) => `a key that the store needs at ${where} holds something else: use another prefix, or remove it`,
  },
  {
    sign: /\bOOM\b/,
    code: "STORE_FULL",
    says: (where) => `Redis at ${where} is at its memory limit: raise maxmemory, or remove old days with cleanup`,
  },
  {
    sign: /MISCONF/,
    code: "STORE_FULL",
    says: (where) => `Redis at ${where} cannot write to its disk and takes nothing: see its log, free some space`,
  },
  {
    sign: /READONLY|MASTERDOWN/,
    code: "STORE_READ_ONLY",
    says: (where) => `Redis at ${where} is a replica, which takes no writes: name the primary`,
  },
  {
    sign: /LOADING/,
    code: "STORE_UNAVAILABLE",
    says: (where) => `Redis at ${where} is still reading its data from disk: it answers when that is done`,
  },
  {
    sign: /ECONNRESET|ended by the other party|no answer within/,
    code: "STORE_UNAVAILABLE",
    says: (where, told) => `Redis at ${where} does not answer (${firstLine(told)}): ${silenceHint(where)}`,
  },
  {
    sign: /startup nodes|slots cache/,
    code: "STORE_UNAVAILABLE",
    says: (where) => `no server of ${where} answers as one of a cluster does: start them, or correct the URL`,
  },
  {
    sign: /ECONNREFUSED/,
    code: "STORE_UNAVAILABLE",
    says: (where) => `nothing listens at ${where}: start Redis there, or correct the URL`,
  },
  {
    sign: /ENOTFOUND|EAI_AGAIN/,
    code: "STORE_UNAVAILABLE",
    says: (where) => `the host of ${where} is not known: correct the URL`,
  },
];

const ACL_HINT = "give it the commands on ~PREFIX:* that docs/stores.md lists";

/** A cluster of one server, which never met another, does not know its address, and a client is led nowhere. */
function silenceHint(where: string): string {
  const other = where.startsWith("rediss") ? where.replace("rediss", "redis") : where.replace("redis", "rediss");
  const scheme = other.slice(0, other.indexOf("://") + 3);
  const tls = where.startsWith("rediss") ? `use ${scheme} where it speaks no TLS` : `use ${scheme} where it speaks TLS`;
  const announce = where.includes("-cluster://") ? ", set cluster-announce-ip where it is a single server" : "";
  return `${tls}${announce}, or see why it hangs`;
}

/** True when the client says only that it could not send; why is in an earlier `error` event. */
export function isVague(error: unknown): boolean {
  return error instanceof Error && /max retries|isn't writeable|Connection is closed|slots cache/i.test(error.message);
}

/** What Redis misses: a command, or the access to a key. */
function permission(told: string): string {
  return /'[\w|]+'/.exec(told)?.[0] ?? (/channel|key/.test(told) ? "the keys of the store" : "see the cause");
}

/** The message and what lies under it. */
function textOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // What a cluster's last server said, and what the first command of a refused transaction was told.
  type Told = { code?: unknown; lastNodeError?: unknown; previousErrors?: readonly unknown[] };
  const { code, lastNodeError, previousErrors } = cause as Told;
  const under = lastNodeError ?? previousErrors?.[0] ?? cause.cause;
  return [code, cause.message, under === undefined ? "" : textOf(under)].filter(Boolean).join(" ");
}

const firstLine = (text: string): string => text.split("\n", 1)[0]?.slice(0, 200) ?? "";
