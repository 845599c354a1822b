import { randomBytes } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Annotation, annotationKey, effectiveScore, type StoredInteraction } from "../annotation.js";
import type { Calibration } from "../calibration.js";
import { checkAnnotations } from "../check-annotations.js";
import { DAY_MS, dayNumber } from "../day.js";
import { StoreError } from "../errors.js";
import {
  agentTypeNumbers,
  annotationFlags,
  INDEX_BATCH,
  indexBatchBuilder,
  indexRow,
  recordFlags,
} from "../index-batch.js";
import type { Interaction } from "../interaction.js";
import { checkQuery, type Filterable, interactionFilter, parseCursor } from "../interaction-filter.js";
import { pseudonymiser } from "../pseudonym.js";
import type { FetchedRecord, InteractionStore } from "../store.js";
import { statsCounter } from "../store-stats.js";

const QUERY_BATCH = 256;

/** A store in this process's memory: the readable reference of what a store does, for tests and short scripts. */
export function memoryStore(): InteractionStore {
  const records: (Interaction | undefined)[] = [];
  const positions = new Map<string, number>();
  const annotations = new Map<string, Map<string, Annotation>>();
  const calibrations = new Map<string, Calibration>();
  const pseudonym = pseudonymiser(randomBytes(32).toString("hex"));
  let closed = false;

  const open = () => {
    if (closed) throw new StoreError("STORE_CLOSED", "the memory store is closed: open a new one with memoryStore()");
  };
  const stored = (record: Interaction): StoredInteraction => {
    const late = annotations.get(record.interactionId);
    return late ? { ...record, annotations: [...late.values()] } : record;
  };
  const filterable = (interaction: StoredInteraction): Filterable => ({
    timestamp: interaction.timestamp,
    agentType: interaction.agentType,
    overall: effectiveScore(interaction)?.overall ?? Number.NaN,
    flags: recordFlags(interaction) | annotationFlags(interaction.annotations ?? []),
  });
  const ordered = () =>
    [...records.keys()].filter((position) => records[position]).sort((a, b) => timeAt(a) - timeAt(b) || a - b);
  const timeAt = (position: number) => records[position]?.timestamp ?? 0;
  const remove = (position: number, { interactionId }: Interaction) => {
    records[position] = undefined;
    positions.delete(interactionId);
    annotations.delete(interactionId);
  };

  return {
    url: "memory:",

    async append(interactions) {
      open();
      return interactions.map((interaction) => {
        const { interactionId, userId } = interaction;
        if (positions.has(interactionId)) return "duplicate";
        positions.set(interactionId, records.length);
        records.push(userId === undefined ? interaction : { ...interaction, userId: pseudonym(userId) });
        return "stored";
      });
    },

    async annotate(facts) {
      open();
      checkAnnotations(facts);
      return facts.map((annotation) => {
        const { interactionId } = annotation;
        if (!positions.has(interactionId)) return "notFound";
        const late = annotations.get(interactionId) ?? new Map<string, Annotation>();
        annotations.set(interactionId, late);
        const key = annotationKey(annotation);
        const older = late.get(key);
        if (!older || older.at <= annotation.at) late.set(key, annotation);
        return "stored";
      });
    },

    async get(interactionId) {
      open();
      const record = records[positions.get(interactionId) ?? -1];
      return record ? stored(record) : null;
    },

    async *query(options = {}) {
      open();
      checkQuery(options);
      const { order = "asc", limit = Infinity, cursor, signal } = options;
      const matches = interactionFilter(options);
      let selected = ordered();
      if (order === "desc") selected.reverse();
      if (cursor !== undefined) selected = afterCursor(selected, order, cursor);
      let batch: StoredInteraction[] = [];
      let found = 0;
      for (const position of selected) {
        if (found >= limit) break;
        const record = records[position];
        if (!record) continue;
        const interaction = stored(record);
        if (!matches(filterable(interaction))) continue;
        found += 1;
        if (batch.push(interaction) < QUERY_BATCH) continue;
        signal?.throwIfAborted();
        yield batch;
        batch = [];
      }
      signal?.throwIfAborted();
      if (batch.length > 0) yield batch;
    },

    async *scanIndex(filter) {
      open();
      const matches = interactionFilter(filter);
      const { names, numberOf } = agentTypeNumbers();
      let batch = indexBatchBuilder();
      for (const position of ordered()) {
        const record = records[position];
        if (!record) continue;
        const interaction = stored(record);
        if (!matches(filterable(interaction))) continue;
        batch.push(indexRow(interaction, position, numberOf(record.agentType)));
        // Each prompt is hashed anew, so that a whole batch would hold up everything else for long.
        if (batch.length % 256 === 0) await nextTurn();
        if (batch.length < INDEX_BATCH) continue;
        yield batch.batch(names);
        batch = indexBatchBuilder();
      }
      if (batch.length > 0) yield batch.batch(names);
    },

    async *fetch(refs) {
      open();
      for (let start = 0; start < refs.length; start += QUERY_BATCH) {
        const batch: FetchedRecord[] = [];
        for (let i = start; i < Math.min(start + QUERY_BATCH, refs.length); i++) {
          const record = records[refs[i] as number];
          if (record) batch.push({ interaction: stored(record), json: JSON.stringify(record) });
        }
        if (batch.length > 0) yield batch;
        await nextTurn();
      }
    },

    async stats(filter) {
      open();
      const matches = interactionFilter(filter);
      const counter = statsCounter();
      for (const record of records) {
        if (!record) continue;
        const row = filterable(stored(record));
        if (matches(row)) counter.add(row);
      }
      return counter.result();
    },

    async saveCalibration(calibration) {
      open();
      calibrations.set(calibration.source, calibration);
    },

    async calibrations() {
      open();
      return [...calibrations.values()].sort((a, b) => (a.source < b.source ? -1 : 1));
    },

    async deleteBefore(timestamp) {
      open();
      const dayStart = dayNumber(timestamp) * DAY_MS;
      let removed = 0;
      for (const [position, record] of records.entries()) {
        if (!record || record.timestamp >= dayStart) continue;
        remove(position, record);
        removed += 1;
      }
      return { removed };
    },

    async eraseUser(userId) {
      open();
      const name = pseudonym(userId);
      const interactionIds: string[] = [];
      for (const [position, record] of records.entries()) {
        if (record?.userId !== name) continue;
        remove(position, record);
        interactionIds.push(record.interactionId);
      }
      return { interactionIds };
    },

    async health() {
      open();
      return { status: "ok", reasons: [] };
    },

    async close() {
      closed = true;
    },
  };

  function afterCursor(selected: number[], order: "asc" | "desc", cursor: string): number[] {
    const { timestamp, interactionId } = parseCursor(cursor);
    const exact = selected.findIndex((position) => records[position]?.interactionId === interactionId);
    if (exact >= 0) return selected.slice(exact + 1);
    // The record is gone: go on with what lies beyond its time.
    return selected.filter((position) =>
      order === "asc" ? timeAt(position) > timestamp : timeAt(position) < timestamp,
    );
  }
}
