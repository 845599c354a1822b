import { hash } from "node:crypto";
import { effectiveScore, type StoredInteraction } from "../../annotation.js";
import { checkAnnotations } from "../../check-annotations.js";
import { dayOf, dayStart, LAST_TIME } from "../../day.js";
import { ConfigError, StoreError } from "../../errors.js";
import { hash32 } from "../../hash.js";
import { agentTypeNumbers, INDEX_BATCH, indexBatchBuilder, recordFlags } from "../../index-batch.js";
import type { Interaction } from "../../interaction.js";
import { checkQuery, type Filterable, interactionFilter, parseCursor } from "../../interaction-filter.js";
import { knownOf } from "../../known-records.js";
import { pseudonymiser } from "../../pseudonym.js";
import type { AnnotateStatus, FetchedRecord, InteractionFilter, QueryOptions, SharedStore } from "../../store.js";
import { statsCounter } from "../../store-stats.js";
import { inOrder } from "../calibration-files.js";
import { allOf } from "./all-of.js";
import { type BucketRecord, eraseCommands, removeCommands } from "./bucket-writes.js";
import type { Bucket } from "./buckets.js";
import { groupBy } from "./group-by.js";
import { countBucket } from "./hour-stats.js";
import { idTable } from "./id-table.js";
import { annotateCommand } from "./late-facts.js";
import { portions } from "./portions.js";
import { qualityRange } from "./quality-places.js";
import { queryPlaces } from "./query-places.js";
import { bucketAt, type RecordPlace, tellsItsTime, timesOf } from "./record-places.js";
import { readRecords } from "./record-reader.js";
import { recordWriter } from "./record-writer.js";
import { redisConnection } from "./redis-connection.js";
import type { RedisStoreOptions, RedisTarget } from "./redis-target.js";
import { redisScoringQueue } from "./scoring-queue.js";
import { LAYOUT, openMeta, type StoreMeta } from "./store-meta.js";
import { timeEntry } from "./time-entry.js";
import { daysOf, type TimeRow, timeRows } from "./time-rows.js";
import { withUserId } from "./user-id-in-json.js";

const QUERY_BATCH = 256;
/** In front of a source: the field of the meta data that holds its calibration. */
const CALIBRATION = "calibration:";
/** So long what was read of the store's meta data is believed. */
const META_MS = 5_000;

/** Opens a store in Redis; `redisStore` loads it with the first call. */
export function redisStoreAt(
  { client, prefix, keys, strict, where, url }: RedisTarget,
  { clientOptions }: Pick<RedisStoreOptions, "clientOptions"> = {},
): SharedStore {
  const connection = redisConnection({ client, where, clientOptions, strict });
  const refs = idTable();
  const write = recordWriter(connection, keys, where);
  let meta: StoreMeta | null = null;
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

  function bucketRecord(given: Interaction, givenJson: Buffer): BucketRecord {
    const userId = given.userId === undefined ? undefined : pseudonym?.(given.userId);
    const isNamed = userId === undefined || userId === given.userId;
    const interaction = isNamed ? given : { ...given, userId };
    const json = isNamed ? givenJson : withUserId(givenJson, given.userId as string, userId);
    const { interactionId, timestamp, qualityScores } = interaction;
    return {
      interactionId,
      timestamp,
      json: json ?? Buffer.from(JSON.stringify(interaction)),
      entry: timeEntry(interaction),
      overall: qualityScores.overall ?? -1,
      foreign: !tellsItsTime(interactionId, timestamp),
    };
  }

  /** The rows of the index that match, oldest first, a day after the other. */
  async function* rowsOf(tags: readonly string[], filter: InteractionFilter) {
    const matches = interactionFilter(filter);
    const { startTime, endTime } = filter;
    for (const { buckets } of await daysOf(connection, keys, tags, filter)) {
      for await (const rows of timeRows(connection, buckets, { startTime, endTime, withLateFacts: true })) {
        yield rows.filter(matches);
      }
    }
  }

  /** All at once: pages of an index from which somebody removes rows would leave some out. */
  async function rowsOfUser(bucket: Bucket, userId: string): Promise<TimeRow[]> {
    const user = hash32(userId);
    const found: TimeRow[] = [];
    for await (const rows of timeRows(connection, [bucket], {})) {
      const candidates = rows.filter(({ users }) => users === user);
      // Another user may have the same hash of 32 bits.
      const others = new Set<string>();
      for await (const records of readRecords(connection, candidates)) {
        for (const { interaction } of records) {
          if (interaction.userId !== userId) others.add(interaction.interactionId);
        }
      }
      found.push(...candidates.filter(({ interactionId }) => !others.has(interactionId)));
    }
    return found;
  }

  return {
    url,

    async append(interactions) {
      const { tags } = await openToWrite();
      const records = new Map<string, BucketRecord>();
      const { json, newIds } = knownOf(interactions);
      interactions.forEach((interaction, i) => {
        const { interactionId } = interaction;
        if (!records.has(interactionId)) records.set(interactionId, bucketRecord(interaction, json[i] as Buffer));
      });
      const fresh = await write([...records.values()], { tags, newIds });
      return interactions.map(({ interactionId }) => (fresh.delete(interactionId) ? "stored" : "duplicate"));
    },

    async annotate(annotations) {
      const opened = await open();
      checkAnnotations(annotations);
      if (!opened || annotations.length === 0) return annotations.map(() => "notFound");
      const { tags } = opened;
      const ids = new Set(annotations.map(({ interactionId }) => interactionId));
      const times = await timesOf(connection, keys, [...ids], tags);
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
          for (const some of portions(ready)) {
            const [answer] = await connection.run([annotateCommand(bucket, some)]);
            for (const [i, { place }] of some.entries()) {
              if (Number((answer as unknown[])[i]) === 1) statuses[place] = "stored";
            }
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
      const place = { bucket: bucketAt(keys, interactionId, time, opened.tags), interactionId };
      for await (const [found] of readRecords(connection, [place])) return found?.interaction ?? null;
      return null;
    },

    async *query(options: QueryOptions = {}) {
      const opened = await open();
      checkQuery(options);
      const { order = "asc", limit = Infinity, cursor, signal } = options;
      const matches = interactionFilter(options);
      if (!opened) return;
      // Of what the index was asked, only the score can be another one by the time the record is read.
      const isSettled = qualityRange(options) === null;
      const after = cursor === undefined ? undefined : parseCursor(cursor);
      const range = { descending: order === "desc", after, firstPage: limit };
      let left = limit;
      let chosen: RecordPlace[] = [];
      for await (const places of left > 0 ? queryPlaces(connection, keys, opened.tags, options, range) : []) {
        signal?.throwIfAborted();
        for (const place of places) {
          chosen.push(place);
          if (chosen.length < Math.min(left, QUERY_BATCH)) continue;
          yield* read();
          if (left <= 0) return;
        }
      }
      yield* read();

      async function* read() {
        const places = chosen;
        chosen = [];
        for await (const records of readRecords(connection, places)) {
          const batch = matching(records);
          left -= batch.length;
          signal?.throwIfAborted();
          if (batch.length > 0) yield batch;
        }
      }

      function matching(records: readonly FetchedRecord[]): StoredInteraction[] {
        const interactions = records.map(({ interaction }) => interaction);
        return isSettled ? interactions : interactions.filter((interaction) => matches(filterable(interaction)));
      }
    },

    async *scanIndex(filter = {}) {
      const opened = await open();
      interactionFilter(filter); // wrong options fail whatever is stored
      if (!opened) return;
      const { names, numberOf } = agentTypeNumbers();
      let batch = indexBatchBuilder();
      for await (const rows of rowsOf(opened.tags, filter)) {
        for (const row of rows) {
          batch.push({
            refs: refs.refOf(row.bucket, row.interactionId),
            timestamps: row.timestamp,
            overall: row.overall,
            promptKeyHigh: row.promptKeyHigh,
            promptKeyLow: row.promptKeyLow,
            agentTypes: numberOf(row.agentType),
            flags: row.flags,
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
        yield* readRecords(connection, places);
      }
    },

    async stats(filter = {}) {
      const opened = await open();
      interactionFilter(filter);
      const counter = statsCounter();
      if (!opened) return counter.result();
      if (qualityRange(filter) || (filter.errors ?? "include") !== "include") {
        for await (const rows of rowsOf(opened.tags, filter)) for (const row of rows) counter.add(row);
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
      const days = await daysOf(connection, keys, opened.tags, { endTime });
      const byTag = groupBy(
        days.flatMap(({ buckets }) => buckets),
        ({ tag }) => tag,
      );
      await allOf(
        [...byTag.values()].map(async (buckets) => {
          for (const some of portions(buckets)) {
            // All that is a tag's lies in one slot, so many days go in one round trip.
            const answers = await connection.transact(some.flatMap((bucket) => removeCommands(keys, bucket)));
            const each = answers.length / some.length;
            for (let i = 0; i < answers.length; i += each) removed += Number(answers[i]); // a client may give texts
            for (const bucket of some) refs.forget(bucket);
          }
        }),
      );
      return { removed };
    },

    async eraseUser(userId) {
      const opened = await open();
      const name = pseudonym?.(userId) ?? "";
      const interactionIds: string[] = [];
      for (const { buckets } of opened ? await daysOf(connection, keys, opened.tags) : []) {
        for (const bucket of buckets) {
          for (const some of portions(await rowsOfUser(bucket, name))) {
            await connection.transact(eraseCommands(keys, bucket, some));
            interactionIds.push(...some.map(({ interactionId }) => interactionId));
          }
        }
      }
      return { interactionIds };
    },

    scoringQueue: (source, { leaseMs } = {}) => redisScoringQueue(connection, { prefix, source, leaseMs }),

    async health() {
      if (closed) await open();
      try {
        const { epoch, reasons, facts } = await connection.look();
        const opened = await open();
        // Without INFO the salt says at least whether the data were lost: whoever makes the store anew takes another.
        const data = epoch === "" && opened ? hash("sha256", opened.salt, "hex").slice(0, 16) : epoch;
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

function filterable(interaction: StoredInteraction): Filterable {
  const { timestamp, agentType } = interaction;
  const overall = effectiveScore(interaction)?.overall ?? Number.NaN;
  return { timestamp, agentType, overall, flags: recordFlags(interaction) };
}
