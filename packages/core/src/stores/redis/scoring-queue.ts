import { createHash, randomUUID } from "node:crypto";
import type { ScoringQueue } from "../../scoring-queue.js";
import type { RedisConnection } from "./redis-connection.js";
import type { RedisCommand } from "./redis-like.js";

export interface RedisScoringQueueOptions {
  /** The first part of the store's keys. */
  readonly prefix: string;
  /** Who scores: each scorer has a queue of its own. */
  readonly source: string;
  /** How long a worker may be silent before others take over its claims. Default 60,000. */
  readonly leaseMs?: number | undefined;
}

const GROUP = "scorers";
/** How long the one that fills the queue stays it without a word. */
const LEAD_MS = 10_000;
const MOST_ENTRIES = 10_000;

/**
 * A queue in a Redis stream with one consumer group. Its entries are exactly what waits or is being worked on: what is
 * done leaves the stream. All keys carry one hash tag, so they lie in one slot of a cluster.
 */
export function redisScoringQueue(
  connection: RedisConnection,
  { prefix, source, leaseMs = 60_000 }: RedisScoringQueueOptions,
): ScoringQueue {
  const base = `${prefix}:{scoring}:${createHash("sha256").update(source).digest("hex").slice(0, 16)}`;
  const [stream, leader] = [`${base}:work`, `${base}:leader`];
  const me = randomUUID();
  /** Entries of the stream that this worker has claimed, by interaction id. */
  const claimed = new Map<string, string>();
  let claimedStale = -Infinity;
  let made: Promise<unknown> | null = null;

  /** Runs commands about the group, which is made at first, and again when the keys were lost. */
  async function run(commands: readonly RedisCommand[]): Promise<unknown[]> {
    for (let again = false; ; again = true) {
      made ??= connection.run([["xgroup", "create", stream, GROUP, "0", "mkstream"]]).catch((error: unknown) => {
        if (!mentions(error, "BUSYGROUP")) throw error;
      });
      try {
        await made;
        return await connection.run(commands);
      } catch (error) {
        made = null;
        if (again || !mentions(error, "NOGROUP")) throw error;
      }
    }
  }

  /** Remembers what was claimed. An entry that was deleted meanwhile comes back without fields. */
  function claim(entries: readonly StreamEntry[] | null): string[] {
    return (entries ?? []).flatMap((entry) => {
      const interactionId = entry?.[1]?.[1];
      if (!entry || interactionId === undefined) return [];
      claimed.set(interactionId, entry[0]);
      return [interactionId];
    });
  }

  return {
    leaseMs,

    async lead() {
      const [won, holder] = await connection.run([
        ["set", leader, me, "nx", "px", LEAD_MS],
        ["get", leader],
      ]);
      if (won !== "OK" && holder === me) await connection.run([["pexpire", leader, LEAD_MS]]);
      return holder === me;
    },

    async size() {
      return Number((await connection.run([["xlen", stream]]))[0]);
    },

    async offer(interactionIds) {
      const [entries] = (await run([["xrange", stream, "-", "+", "count", MOST_ENTRIES]])) as [StreamEntry[]];
      const queued = new Set(entries.map((entry) => entry?.[1]?.[1]));
      const fresh = interactionIds.filter((id) => !queued.has(id));
      if (fresh.length > 0) await run(fresh.map((id): RedisCommand => ["xadd", stream, "*", "id", id]));
    },

    async take(most) {
      const ids: string[] = [];
      const now = performance.now();
      if (now - claimedStale > leaseMs / 4) {
        const command: RedisCommand = ["xautoclaim", stream, GROUP, me, leaseMs, "0-0", "count", most];
        const [answer] = (await run([command])) as [[string, StreamEntry[]]];
        ids.push(...claim(answer[1]));
        // As many as were asked for: there may be more.
        if (ids.length < most) claimedStale = now;
      }
      if (ids.length < most) {
        const command: RedisCommand = [
          "xreadgroup",
          "group",
          GROUP,
          me,
          "count",
          most - ids.length,
          "streams",
          stream,
          ">",
        ];
        const [answer] = (await run([command])) as [[string, StreamEntry[]][] | null];
        ids.push(...claim(answer?.[0]?.[1] ?? null));
      }
      return ids;
    },

    async renew(interactionIds) {
      const entries = interactionIds.flatMap((id) => claimed.get(id) ?? []);
      if (entries.length > 0) await run([["xclaim", stream, GROUP, me, 0, ...entries, "justid"]]);
    },

    async done(interactionIds) {
      const entries = interactionIds.flatMap((id) => claimed.get(id) ?? []);
      for (const id of interactionIds) claimed.delete(id);
      if (entries.length > 0)
        await run([
          ["xack", stream, GROUP, ...entries],
          ["xdel", stream, ...entries],
        ]);
    },

    async close() {
      const [holder] = await connection.run([["get", leader]]);
      if (holder === me) await connection.run([["del", leader]]);
      // Claims stay: the group hands them on when the lease is over.
      if (claimed.size === 0) await run([["xgroup", "delconsumer", stream, GROUP, me]]);
    },
  };
}

type StreamEntry = readonly [entryId: string, fields: readonly string[] | null] | null;

function mentions(error: unknown, word: string): boolean {
  const { message = "", cause } = (error ?? {}) as { message?: string; cause?: { message?: string } };
  return message.includes(word) || (cause?.message ?? "").includes(word);
}
