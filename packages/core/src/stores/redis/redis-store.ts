import { hash } from "node:crypto";
import { effectiveScore, type StoredInteraction } from "../../annotation.js";
import { dayOf, dayStart, LAST_TIME } from "../../day.js";
import { ConfigError, StoreError } from "../../errors.js";
import { INDEX_BATCH, indexBatchBuilder, recordFlags } from "../../index-batch.js";
import type { Interaction } from "../../interaction.js";
import { checkQuery, type Filterable, interactionFilter, parseCursor } from "../../interaction-filter.js";
import { pseudonymiser } from "../../pseudonym.js";
import { recordJson } from "../../record-json.js";
import {
  type AnnotateStatus,
  type FetchedRecord,
  IndexFlag,
  type InteractionFilter,
  type InteractionStore,
  type QueryOptions,
} from "../../store.js";
import { statsCounter } from "../../store-stats.js";
import { inOrder } from "../calibration-files.js";
import { checkBucketTypes } from "./bucket-types.js";
import { type BucketRecord, claimCommand, removeCommands, writeCommands } from "./bucket-writes.js";
import { type Bucket, DEFAULT_PREFIX, keysUnder } from "./buckets.js";
import { exclusiveById } from "./exclusive-by-id.js";
import { groupBy } from "./group-by.js";
import { countBucket } from "./hour-stats.js";
import { idTable } from "./id-table.js";
import { annotateCommand, parseAnnotations } from "./late-facts.js";
import { qualityPlaces, qualityRange } from "./quality-places.js";
import { bucketAt, type RecordPlace, tellsItsTime, timesOf } from "./record-places.js";
import { redisConnection } from "./redis-connection.js";
import type { RedisCommand, RedisLike } from "./redis-like.js";
import { parseRedisUrl } from "./redis-url.js";
import { redisScoringQueue } from "./scoring-queue.js";
import { LAYOUT, openMeta, type StoreMeta } from "./store-meta.js";
import { timeEntry } from "./time-entry.js";
import { daysOf, isBefore, type TimeRowOptions, timeRows } from "./time-rows.js";

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

const QUERY_BATCH = 256;
const MOST_CHECKED = 10_000;
/** In front of a source: the field of the meta data that holds its calibration. */
const CALIBRATION = "calibration:";
/** So long what was read of the store's meta data is believed. */
const META_MS = 5_000;

/**
 * A store in Redis 6.2 or newer, a single server or a cluster: one store for many machines. See `docs/stores.md`.
 * Opening is lazy. @throws ConfigError for wrong options
 */
export function redisStore(options: RedisStoreOptions): InteractionStore {
  const { url, client, clientOptions } = options;
  if ((url === undefined) === (client === undefined)) throw new ConfigError("redisStore needs either url or client");
  if (client && typeof client.pipeline !== "function") {
    throw new ConfigError("client is no Redis client: pass one of ioredis 5 or 6");
  }
  const place = url === undefined ? null : parseRedisUrl(url);
  const prefix = options.prefix ?? place?.prefix ?? DEFAULT_PREFIX;
  const strict = options.strict ?? place?.strict ?? false;
  const keys = keysUnder(prefix);
  const where = place?.shown ?? clientUrl(client);
  const connection = redisConnection({
    client: client ?? (place as NonNullable<typeof place>),
    where,
    clientOptions,
    strict,
  });
  const refs = idTable();
  const oneAtATime = exclusiveById();
  let meta: StoreMeta | null = null;
  const checked = new Set<string>();
  let checkedOf = -1;
  let metaOf = -1;
  let metaUntil = 0;
  let pseudonym: ((userId: string) => string) | null = null;
  let closed = false;

  async function open({ create = false } = {}): Promise<StoreMeta | null> {
    if (closed) throw new StoreError("STORE_CLOSED", `the Redis store at ${where} is closed: open it again`);
    // Redis may have lost it all since: after a new connection, and now and then, the meta data are read again.
    const now = performance.now();
    if (meta && metaOf === connection.connections() && now < metaUntil) return meta;
    const found = await openMeta(connection, keys, { create, known: meta, where });
    if (!found) return null;
    if (found.salt !== meta?.salt) pseudonym = pseudonymiser(found.salt);
    [meta, metaOf, metaUntil] = [found, connection.connections(), now + META_MS];
    return meta;
  }

  async function openToWrite(): Promise<StoreMeta> {
    const opened = await open({ create: true });
    if (!opened) throw new StoreError("STORE_UNAVAILABLE", `Redis at ${where} lost ${keys.meta} at once: try again`);
    return opened;
  }

  function bucketRecord(given: Interaction): BucketRecord {
    const name = pseudonym;
    const interaction = name && given.userId !== undefined ? { ...given, userId: name(given.userId) } : given;
    const { interactionId, timestamp, qualityScores } = interaction;
    return {
      interactionId,
      timestamp,
      json: recordJson(interaction),
      entry: timeEntry(interaction),
      overall: qualityScores.overall ?? -1,
      foreign: !tellsItsTime(interactionId, timestamp),
    };
  }

  /** Writes what is not stored yet, and what is stored by half. Gives the ids that were not stored before. */
  async function write(records: readonly BucketRecord[], tags: readonly string[]): Promise<Set<string>> {
    const fresh = new Set<string>();
    const byBucket = groupBy(records, ({ interactionId, timestamp }) => bucketAt(keys, interactionId, timestamp, tags));
    await allOf(
      [...byBucket].map(async ([bucket, given]) => {
        await checkTypes(bucket);
        const ids = given.map(({ interactionId }) => interactionId);
        const times = await timesOf(connection, keys, ids, tags);
        const unknown = given.filter(({ interactionId }) => !times.has(interactionId));
        const known = given.filter(({ interactionId, timestamp }) => times.get(interactionId) === timestamp);
        const again = known.length > 0 ? await halfLost(bucket, known) : [];
        const own = unknown.filter(({ foreign }) => !foreign);
        for (const some of portions([...own, ...again])) {
          await connection.transact(writeCommands(keys, bucket, some));
        }
        for (const { interactionId } of own) fresh.add(interactionId);
        for (const some of portions(unknown.filter(({ foreign }) => foreign))) {
          const [answer] = await connection.run([claimCommand(keys, bucket, some)]);
          for (const [i, { interactionId }] of some.entries()) {
            if (Number((answer as unknown[])[i]) === 1) fresh.add(interactionId);
          }
        }
      }),
    );
    return fresh;
  }

  /** Looks at a bucket's keys before the first write over a connection. */
  async function checkTypes(bucket: Bucket): Promise<void> {
    if (checkedOf !== connection.connections() || checked.size > MOST_CHECKED) checked.clear();
    checkedOf = connection.connections();
    if (checked.has(bucket.records)) return;
    await checkBucketTypes(connection, keys, bucket, where);
    checked.add(bucket.records);
  }

  /** Of records whose ids are known: those that are not whole, because a key was evicted for example. */
  async function halfLost(bucket: Bucket, known: readonly BucketRecord[]): Promise<BucketRecord[]> {
    const [times, ...texts] = await connection.run([
      ["zmscore", bucket.times, ...known.map(({ entry }) => entry)],
      ...known.map(({ interactionId }): RedisCommand => ["hexists", bucket.records, interactionId]),
    ]);
    return known.filter((_, i) => (times as unknown[])[i] === null || Number(texts[i]) !== 1);
  }

  /** Records by their ids, in the order given. What is gone by now is left out. */
  async function read(places: readonly RecordPlace[]): Promise<FetchedRecord[]> {
    const found: (FetchedRecord | undefined)[] = new Array(places.length);
    const byBucket = groupBy(places.keys(), (i) => places[i]?.bucket as Bucket);
    await Promise.all(
      [...byBucket].map(async ([bucket, positions]) => {
        const ids = positions.map((i) => places[i]?.interactionId as string);
        const [texts, annotations] = (await connection.run([
          ["hmget", bucket.records, ...ids],
          ["hmget", bucket.annotations, ...ids],
        ])) as [(string | null)[], (string | null)[]];
        for (const [i, position] of positions.entries()) found[position] = parseRecord(texts[i], annotations[i]);
      }),
    );
    return found.filter((record) => record !== undefined);
  }

  async function* days(tags: readonly string[], filter: InteractionFilter, options: TimeRowOptions = {}) {
    const { startTime, endTime } = filter;
    const found = await daysOf(connection, keys, tags, { startTime, endTime });
    if (options.descending) found.reverse();
    for (const { buckets } of found) yield timeRows(connection, buckets, { startTime, endTime, ...options });
  }

  /** Streams the places of records that may match, in the order asked for: by the index that leaves the fewest. */
  async function* candidates(
    tags: readonly string[],
    filter: InteractionFilter,
    { descending, after, firstPage }: TimeRowOptions,
  ): AsyncGenerator<readonly RecordPlace[]> {
    const matches = interactionFilter(filter);
    const range = after ? narrowed(filter, after.timestamp, descending === true) : filter;
    const { startTime, endTime } = range;
    const qualities = qualityRange(filter);
    const found = await daysOf(connection, keys, tags, range);
    for (const { buckets } of descending ? found.reverse() : found) {
      const rare = qualities && (await qualityPlaces(connection, keys, buckets, qualities));
      if (rare) {
        const places = rare.filter((place) => !after || (descending ? isBefore(place, after) : isBefore(after, place)));
        yield descending ? places.reverse() : places;
        continue;
      }
      const withOverall = qualities !== null;
      const rows = timeRows(connection, buckets, { startTime, endTime, descending, after, withOverall, firstPage });
      for await (const page of rows) yield page.filter(matches);
    }
  }

  return {
    url: storeUrl(where, { prefix, strict }),

    async append(interactions) {
      const { tags } = await openToWrite();
      const records = new Map<string, BucketRecord>();
      for (const interaction of interactions) {
        if (!records.has(interaction.interactionId)) records.set(interaction.interactionId, bucketRecord(interaction));
      }
      const fresh = await oneAtATime(records.keys(), () => write([...records.values()], tags));
      return interactions.map(({ interactionId }) => (fresh.delete(interactionId) ? "stored" : "duplicate"));
    },

    async annotate(annotations) {
      const opened = await open();
      if (!opened || annotations.length === 0) return annotations.map(() => "notFound");
      const { tags } = opened;
      const times = await timesOf(
        connection,
        keys,
        new Set(annotations.map(({ interactionId }) => interactionId)),
        tags,
      );
      const statuses = annotations.map((): AnnotateStatus => "notFound");
      const facts = annotations.flatMap((annotation, place) => {
        const timestamp = times.get(annotation.interactionId);
        return timestamp === undefined ? [] : [{ annotation, timestamp, place }];
      });
      const byBucket = groupBy(facts, ({ annotation: { interactionId }, timestamp }) =>
        bucketAt(keys, interactionId, timestamp, tags),
      );
      await allOf(
        [...byBucket].map(async ([bucket, ready]) => {
          for (let start = 0; start < ready.length; start += PORTION) {
            const some = ready.slice(start, start + PORTION);
            const [answer] = await connection.run([annotateCommand(bucket, some)]);
            for (const [i, { place }] of some.entries())
              if (Number((answer as unknown[])[i]) === 1) statuses[place] = "stored";
          }
        }),
      );
      return statuses;
    },

    async get(interactionId) {
      const opened = await open();
      if (!opened) return null;
      const time = (await timesOf(connection, keys, [interactionId], opened.tags)).get(interactionId);
      if (time === undefined) return null;
      const [found] = await read([{ bucket: bucketAt(keys, interactionId, time, opened.tags), interactionId }]);
      return found?.interaction ?? null;
    },

    async *query(options: QueryOptions = {}) {
      const opened = await open();
      checkQuery(options);
      const { order = "asc", limit = Infinity, cursor, signal } = options;
      const matches = interactionFilter(options);
      if (!opened) return;
      const after = cursor === undefined ? undefined : parseCursor(cursor);
      const range = { descending: order === "desc", after, firstPage: limit };
      let left = limit;
      let chosen: RecordPlace[] = [];
      for await (const places of left > 0 ? candidates(opened.tags, options, range) : []) {
        signal?.throwIfAborted();
        for (const place of places) {
          chosen.push(place);
          if (chosen.length < Math.min(left, QUERY_BATCH)) continue;
          const batch = matching(await read(chosen));
          chosen = [];
          left -= batch.length;
          signal?.throwIfAborted();
          if (batch.length > 0) yield batch;
          if (left <= 0) return;
        }
      }
      const batch = matching(await read(chosen));
      signal?.throwIfAborted();
      if (batch.length > 0) yield batch;

      function matching(records: readonly FetchedRecord[]): StoredInteraction[] {
        return records.map(({ interaction }) => interaction).filter((interaction) => matches(filterable(interaction)));
      }
    },

    async *scanIndex(filter = {}) {
      const opened = await open();
      const matches = interactionFilter(filter);
      if (!opened) return;
      const names: string[] = [];
      const numbers = new Map<string, number>();
      const demonstrations = new Map<Bucket, Set<string>>();
      let batch = indexBatchBuilder();
      for await (const rows of days(opened.tags, filter, { withOverall: true })) {
        demonstrations.clear();
        for await (const page of rows) {
          for (const row of page) {
            if (!matches(row)) continue;
            let corrected = demonstrations.get(row.bucket);
            if (!corrected) {
              const [members] = await connection.run([["smembers", row.bucket.demonstrations]]);
              corrected = new Set(members as string[]);
              demonstrations.set(row.bucket, corrected);
            }
            const number = numbers.get(row.agentType) ?? names.push(row.agentType) - 1;
            numbers.set(row.agentType, number);
            batch.push({
              refs: refs.refOf(row.bucket, row.interactionId),
              timestamps: row.timestamp,
              overall: row.overall,
              promptKeyHigh: row.promptKeyHigh,
              promptKeyLow: row.promptKeyLow,
              agentTypes: number,
              flags: row.flags | (corrected.has(row.interactionId) ? IndexFlag.demonstration : 0),
              groupHigh: row.groupHigh,
              groupLow: row.groupLow,
              users: row.users,
              sessions: row.sessions,
            });
            if (batch.length < INDEX_BATCH) continue;
            yield batch.batch(names);
            batch = indexBatchBuilder();
          }
        }
      }
      if (batch.length > 0) yield batch.batch(names);
    },

    async *fetch(handles) {
      await open();
      for (let start = 0; start < handles.length; start += QUERY_BATCH) {
        const places = [];
        for (let i = start; i < Math.min(start + QUERY_BATCH, handles.length); i++) {
          const place = refs.placeOf(handles[i] as number);
          if (place) places.push(place);
        }
        const batch = await read(places);
        if (batch.length > 0) yield batch;
      }
    },

    async stats(filter = {}) {
      const opened = await open();
      const matches = interactionFilter(filter);
      const counter = statsCounter();
      if (!opened) return counter.result();
      if (qualityRange(filter) || (filter.errors ?? "include") !== "include") {
        for await (const rows of days(opened.tags, filter, { withOverall: true })) {
          for await (const page of rows) for (const row of page) if (matches(row)) counter.add(row);
        }
        return counter.result();
      }
      const range = { startTime: filter.startTime ?? -Infinity, endTime: filter.endTime ?? Infinity };
      const agents = filter.agentTypes && new Set(filter.agentTypes);
      for (const { buckets } of await daysOf(connection, keys, opened.tags, range)) {
        for (const counted of await Promise.all(buckets.map((bucket) => countBucket(connection, bucket, range)))) {
          for (const [agentType, counts] of counted.counts()) {
            if (!agents || agents.has(agentType)) counter.addCounts(agentType, counts);
          }
        }
      }
      return counter.result();
    },

    async saveCalibration(calibration) {
      await openToWrite();
      // Beside the store's other facts: a field a source.
      await connection.run([["hset", keys.meta, CALIBRATION + calibration.source, JSON.stringify(calibration)]]);
    },

    async calibrations() {
      if (!(await open())) return [];
      const [fields] = (await connection.run([["hkeys", keys.meta]])) as [string[]];
      const known = fields.filter((field) => field.startsWith(CALIBRATION));
      if (known.length === 0) return [];
      const [texts] = (await connection.run([["hmget", keys.meta, ...known]])) as [(string | null)[]];
      return inOrder(texts.filter((text) => text !== null));
    },

    async deleteBefore(timestamp) {
      const opened = await open();
      if (!(timestamp >= 0 && timestamp <= LAST_TIME)) {
        throw new ConfigError(`deleteBefore got ${timestamp}: use epoch milliseconds up to the year 9999`);
      }
      if (!opened) return { removed: 0 };
      let removed = 0;
      const endTime = dayStart(dayOf(timestamp));
      for (const { day, buckets } of await daysOf(connection, keys, opened.tags, { endTime })) {
        await allOf(
          buckets.map(async (bucket) => {
            const [count] = await connection.transact(removeCommands(keys, bucket, dayStart(day)));
            removed += count as number;
            refs.forget(bucket);
          }),
        );
      }
      return { removed };
    },

    scoringQueue: (source, { leaseMs } = {}) => redisScoringQueue(connection, { prefix, source, leaseMs }),

    async health() {
      if (closed) await open();
      try {
        const { epoch, reasons, facts } = await connection.look();
        const opened = await open();
        // Without INFO the salt says at least whether the data were lost: whoever makes the store anew takes another.
        const data = epoch || (opened && hash("sha256", opened.salt, "hex").slice(0, 16));
        const status = reasons.length === 0 ? "ok" : "degraded";
        const layout = opened ? { layout: LAYOUT, tags: opened.tags.length } : {};
        return { status, reasons, ...(data && { epoch: data }), facts: { ...facts, ...layout } };
      } catch (error) {
        if (!StoreError.isInstance(error) || error.code === "STORE_CLOSED") throw error;
        return { status: "down", reasons: [error.message] };
      }
    },

    async close() {
      if (closed) return;
      closed = true;
      await connection.close();
    },
  };
}

function parseRecord(json: string | null | undefined, annotations: string | null | undefined) {
  if (json === null || json === undefined) return undefined;
  const record = JSON.parse(json) as Interaction;
  const late = annotations ? parseAnnotations(annotations) : [];
  return { interaction: late.length > 0 ? { ...record, annotations: late } : record, json };
}

function filterable(interaction: StoredInteraction): Filterable {
  const { timestamp, agentType } = interaction;
  const overall = effectiveScore(interaction)?.overall ?? Number.NaN;
  return { timestamp, agentType, overall, flags: recordFlags(interaction) };
}

/** The URL that opens the store again; what is the default is left out. */
function storeUrl(where: string, { prefix, strict }: { readonly prefix: string; readonly strict: boolean }): string {
  const options = new URLSearchParams({
    ...(prefix !== DEFAULT_PREFIX && { prefix }),
    ...(strict && { strict: "true" }),
  }).toString();
  return options === "" ? where : `${where}?${options}`;
}

/** Where a client of the caller's is connected to, as far as it tells. */
function clientUrl(client: RedisLike | undefined): string {
  type Options = { host?: unknown; port?: unknown; db?: unknown; tls?: unknown };
  const optionsOf = (one: unknown) => (one as { options?: Options } | undefined)?.options ?? {};
  const servers = client?.isCluster ? (client.nodes?.() ?? []) : [client];
  const hosts = servers.map((server) => `${optionsOf(server).host ?? "127.0.0.1"}:${optionsOf(server).port ?? 6379}`);
  const { db, tls } = optionsOf(servers[0]);
  const scheme = `${tls ? "rediss" : "redis"}${client?.isCluster ? "-cluster" : ""}`;
  return `${scheme}://${hosts.join(",")}${db ? `/${db}` : ""}`;
}

/** What lies behind a cursor, as a filter. */
function narrowed(filter: InteractionFilter, timestamp: number, descending: boolean): InteractionFilter {
  return descending
    ? { ...filter, endTime: Math.min(filter.endTime ?? Infinity, timestamp + 1) }
    : { ...filter, startTime: Math.max(filter.startTime ?? -Infinity, timestamp) };
}

/** Waits for all, then fails with the first failure: nothing goes on behind the caller's back. */
async function allOf(work: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work)) if (outcome.status === "rejected") throw outcome.reason;
}

/** Records of one transaction: it must not hold up the other users of Redis for long. */
const PORTION = 256;
const PORTION_CHARACTERS = 1024 * 1024;

function* portions(records: readonly BucketRecord[]): Generator<readonly BucketRecord[]> {
  let portion: BucketRecord[] = [];
  let characters = 0;
  for (const record of records) {
    portion.push(record);
    characters += record.json.length;
    if (portion.length < PORTION && characters < PORTION_CHARACTERS) continue;
    yield portion;
    portion = [];
    characters = 0;
  }
  if (portion.length > 0) yield portion;
}
