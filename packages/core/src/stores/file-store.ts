import { resolve } from "node:path";
import type { StoredInteraction } from "../annotation.js";
import { checkAnnotations } from "../check-annotations.js";
import { dayOf, LAST_TIME } from "../day.js";
import { ConfigError, StoreError } from "../errors.js";
import { fairTurns } from "../fair-turns.js";
import { agentTypeNumbers, INDEX_BATCH, indexBatchBuilder } from "../index-batch.js";
import type { Interaction } from "../interaction.js";
import { checkQuery, interactionFilter, parseCursor } from "../interaction-filter.js";
import { diskError } from "../journal/disk-error.js";
import { eraseUserOfDay } from "../journal/erase-user.js";
import { type IdDays, idDays } from "../journal/id-days.js";
import { isWritable, listDays, openJournalFolder, removeDay, removeLeftovers } from "../journal/journal-files.js";
import { journalReader, placeAfter } from "../journal/journal-reader.js";
import { type JournalWriter, journalWriter } from "../journal/journal-writer.js";
import { pseudonymiser } from "../pseudonym.js";
import type { AnnotateStatus, AppendStatus, FetchedRecord, InteractionFilter, JournaledStore } from "../store.js";
import { statsCounter } from "../store-stats.js";
import { readCalibrations, writeCalibration } from "./calibration-files.js";

/** Small, so that records which their reader drops at once die young. */
const QUERY_BATCH = 64;

/**
 * A store in a folder: no server, no native code. One append-only NDJSON file a day and writer, so that many
 * processes may write and read at once; see `docs/stores.md`.
 */
export function fileStore(folder: string): JournaledStore {
  const root = resolve(folder);
  const reader = journalReader(root);
  let writer: JournalWriter | null = null;
  let salt: string | undefined;
  let pseudonym: ((userId: string) => string) | null = null;
  let ids: IdDays | null = null;
  let closed = false;
  const turn = fairTurns();

  /** False when there is no store yet, and none is to be made. */
  function open({ create = false } = {}): boolean {
    if (closed) throw new StoreError("STORE_CLOSED", `the store in ${root} is closed: open it again`);
    if (pseudonym) return true;
    const meta = openJournalFolder(root, { create });
    if (!meta) return false;
    salt = meta.salt;
    pseudonym = pseudonymiser(salt);
    return true;
  }

  function openWriter(): JournalWriter {
    open({ create: true });
    // With the salt that it had: pseudonyms given before stay good.
    writer ??= journalWriter(root, () => openJournalFolder(root, { create: true, salt }));
    return writer;
  }

  function appendSync(
    interactions: readonly Interaction[],
    { newIds = false, idsMaxAgeMs = 0 }: { readonly newIds?: boolean; readonly idsMaxAgeMs?: number } = {},
  ): { statuses: AppendStatus[]; error?: StoreError } {
    try {
      const out = openWriter();
      const fresh = newIds ? interactions : unknownOnes(interactions, idsMaxAgeMs);
      const { written, error } = out.append(pseudonymous(fresh));
      if (ids) for (const record of fresh.slice(0, written)) ids.add(record.interactionId, record.timestamp);
      return { statuses: statusesOf(interactions, fresh, written), ...(error && { error }) };
    } catch (error) {
      return { statuses: [], error: diskError(error, root) };
    }
  }

  /** Those whose id is neither in the journal nor earlier in the batch. */
  function unknownOnes(interactions: readonly Interaction[], maxAgeMs: number): Interaction[] {
    const known = knownIds(maxAgeMs);
    const inBatch = new Set<string>();
    return interactions.filter(({ interactionId }) => {
      if (inBatch.has(interactionId) || known.find(interactionId) >= 0) return false;
      inBatch.add(interactionId);
      return true;
    });
  }

  /** The table of all ids, up to date. Made at the first need: ids of our own seldom ask for it. */
  function knownIds(maxAgeMs = 0): IdDays {
    if (ids) {
      ids.refresh({ except: writer?.name, maxAgeMs });
      return ids;
    }
    writer?.flushIndex();
    ids = idDays(root);
    ids.refresh();
    return ids;
  }

  function pseudonymous(interactions: readonly Interaction[]): readonly Interaction[] {
    const name = pseudonym;
    if (!name || interactions.every(({ userId }) => userId === undefined)) return interactions;
    return interactions.map((one) => (one.userId === undefined ? one : { ...one, userId: name(one.userId) }));
  }

  function* openDays(filter: InteractionFilter, options?: { readonly descending?: boolean }) {
    writer?.flushIndex();
    yield* reader.days(filter, options);
  }

  /** Finds records of the journal as it is now: one look at the folder serves a whole batch. */
  function locator(): ReturnType<typeof reader.locator> {
    writer?.flushIndex();
    let known: IdDays | undefined;
    return reader.locator((interactionId) => {
      known ??= knownIds();
      return known.find(interactionId);
    });
  }

  return {
    url: `file:${root}`,
    appendSync,

    async append(interactions) {
      const { statuses, error } = appendSync(interactions);
      if (error) throw error;
      return statuses;
    },

    async annotate(annotations) {
      const locate = open() ? locator() : () => null;
      checkAnnotations(annotations);
      const byDay = new Map<string, string[]>();
      const statuses = annotations.map((annotation): AnnotateStatus => {
        const found = locate(annotation.interactionId);
        if (!found) return "notFound";
        const { day } = found.day.index;
        const lines = byDay.get(day) ?? [];
        lines.push(JSON.stringify(annotation));
        byDay.set(day, lines);
        return "stored";
      });
      for (const [day, lines] of byDay) {
        openWriter().appendAnnotations(day, lines);
        reader.annotated(day);
      }
      return statuses;
    },

    async get(interactionId) {
      const found = open() && locator()(interactionId);
      if (!found) return null;
      const interaction = reader.read(found.ref, () => found.day.annotations)?.interaction;
      return interaction?.interactionId === interactionId ? interaction : null;
    },

    async *query(options = {}) {
      open();
      checkQuery(options);
      const { order = "asc", limit = Infinity, cursor, signal } = options;
      const descending = order === "desc";
      const matches = interactionFilter(options);
      const after = cursor === undefined ? null : parseCursor(cursor);
      const beyond = after && (descending ? { endTime: after.timestamp + 1 } : { startTime: after.timestamp });
      let batch: StoredInteraction[] = [];
      let left = limit;
      for (const day of left > 0 ? openDays(narrowed(options, beyond), { descending }) : []) {
        const from = after ? placeAfter(day.index, after, descending) : undefined;
        const annotations = day.annotations.size > 0 ? day.annotations : null;
        const nextRow = reader.rows(day, matches, { descending, from });
        for (let row = nextRow(); row; row = nextRow()) {
          const interaction = reader.readRow(row, annotations)?.interaction;
          if (!interaction) continue;
          batch.push(interaction);
          left -= 1;
          if (left <= 0) break;
          if (batch.length < QUERY_BATCH) continue;
          signal?.throwIfAborted();
          yield batch;
          await turn();
          batch = [];
        }
        if (left <= 0) break;
      }
      signal?.throwIfAborted();
      if (batch.length > 0) yield batch;
    },

    async *scanIndex(filter = {}) {
      open();
      const matches = interactionFilter(filter);
      const { names, numberOf } = agentTypeNumbers();
      let batch = indexBatchBuilder();
      let damaged = 0;
      for (const day of openDays(filter)) {
        damaged += day.index.damaged;
        const nextRow = reader.rows(day, matches);
        for (let row = nextRow(); row; row = nextRow()) {
          batch.push(reader.indexRow(row, numberOf(row.agentType)));
          if (batch.length < INDEX_BATCH) continue;
          yield { ...batch.batch(names), damaged };
          // A day may hold millions, and whoever reads the batches may never wait for anything else.
          await turn();
          batch = indexBatchBuilder();
          damaged = 0;
        }
        await turn();
      }
      if (batch.length > 0 || damaged > 0) yield { ...batch.batch(names), damaged };
    },

    async *fetch(refs) {
      open();
      for (let start = 0; start < refs.length; start += QUERY_BATCH) {
        const batch: FetchedRecord[] = [];
        for (let i = start; i < Math.min(start + QUERY_BATCH, refs.length); i++) {
          const record = reader.read(refs[i] as number, reader.annotationsOf);
          if (record) batch.push(record);
        }
        if (batch.length > 0) yield batch;
        await turn();
      }
    },

    async stats(filter = {}) {
      open();
      const matches = interactionFilter(filter);
      const counter = statsCounter();
      for (const day of openDays(filter)) {
        let rows = 0;
        const nextRow = reader.rows(day, matches);
        for (let row = nextRow(); row; row = nextRow()) {
          counter.add(row);
          rows += 1;
          if (rows % INDEX_BATCH === 0) await turn();
        }
        await turn();
      }
      return counter.result();
    },

    async saveCalibration(calibration) {
      open({ create: true });
      writeCalibration(root, calibration);
    },

    async calibrations() {
      return open() ? readCalibrations(root) : [];
    },

    async deleteBefore(timestamp) {
      open();
      if (!(timestamp >= 0 && timestamp <= LAST_TIME)) {
        throw new ConfigError(`deleteBefore got ${timestamp}: use epoch milliseconds up to the year 9999`);
      }
      const firstKept = dayOf(timestamp);
      writer?.leaveDaysBefore(firstKept);
      let removed = 0;
      for (const day of listDays(root).filter((name) => name < firstKept)) {
        const count = reader.openDay(day)?.index.count ?? 0;
        reader.forget(day);
        if (removeDay(root, day)) removed += count;
      }
      removeLeftovers(root);
      ids = null;
      return { removed };
    },

    async eraseUser(userId) {
      open();
      const name = pseudonym?.(userId) ?? "";
      const interactionIds: string[] = [];
      for (const day of listDays(root)) {
        writer?.flushIndex();
        const erased = eraseUserOfDay(root, day, name);
        if (erased.length > 0) {
          writer?.leaveSegment(day);
          reader.forget(day);
          ids = null;
          interactionIds.push(...erased);
        }
        await turn();
      }
      return { interactionIds };
    },

    async health() {
      if (!open() || isWritable(root)) return { status: "ok", reasons: [] };
      return { status: "degraded", reasons: [`${root} is not writable: give write permission`] };
    },

    async close() {
      if (closed) return;
      closed = true;
      writer?.close();
      reader.close();
    },
  };
}

/** What became of each record, as far as the write came: behind a failed one nothing is said. */
function statusesOf(
  interactions: readonly Interaction[],
  fresh: readonly Interaction[],
  written: number,
): AppendStatus[] {
  const statuses: AppendStatus[] = [];
  let stored = 0;
  for (const one of interactions) {
    if (one !== fresh[stored]) statuses.push("duplicate");
    else if (stored === written) break;
    else {
      statuses.push("stored");
      stored += 1;
    }
  }
  return statuses;
}

function narrowed(filter: InteractionFilter, beyond: InteractionFilter | null): InteractionFilter {
  if (!beyond) return filter;
  return {
    startTime: Math.max(filter.startTime ?? -Infinity, beyond.startTime ?? -Infinity),
    endTime: Math.min(filter.endTime ?? Infinity, beyond.endTime ?? Infinity),
  };
}
