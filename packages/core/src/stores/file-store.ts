import { renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Annotation, effectiveScore, type StoredInteraction } from "../annotation.js";
import { DAY_MS, dayNumber, dayOf, dayStart } from "../day.js";
import { StoreError } from "../errors.js";
import { hash32, hash64 } from "../hash.js";
import { annotationFlags, INDEX_BATCH, type IndexRow, indexBatchBuilder } from "../index-batch.js";
import type { Interaction } from "../interaction.js";
import { checkQuery, type Filterable, interactionFilter, parseCursor } from "../interaction-filter.js";
import { idTime } from "../interaction-id.js";
import { type DayAnnotations, dayAnnotations } from "../journal/day-annotations.js";
import { type DayIndex, parseRecord, readDayIndex } from "../journal/day-index.js";
import { type IdDays, idDays } from "../journal/id-days.js";
import { ROW_WORDS } from "../journal/index-rows.js";
import { isWritable, listDays, openJournalFolder } from "../journal/journal-files.js";
import { type JournalWriter, journalWriter } from "../journal/journal-writer.js";
import { lineReader } from "../journal/line-reader.js";
import { pseudonymiser } from "../pseudonym.js";
import type { AnnotateStatus, AppendStatus, InteractionFilter, JournaledStore } from "../store.js";
import { statsCounter } from "../store-stats.js";

const QUERY_BATCH = 256;
/** Days whose index stays in memory between calls: 80 bytes a record. */
const REMEMBERED_DAYS = 8;
/** A handle is segment number times this, plus the offset: segments end far below 4 GiB. */
const REF_SEGMENT = 2 ** 32;

/**
 * A store in a folder: no server, no native code. One append-only NDJSON file a day and writer, so that many
 * processes may write and read at once; see `docs/stores.md`.
 */
export function fileStore(folder: string): JournaledStore {
  const root = resolve(folder);
  const reader = lineReader();
  const days = new Map<string, { index: DayIndex; annotations: DayAnnotations }>();
  const segmentNumbers = new Map<string, number>();
  const segmentPaths: string[] = [];
  const agentTypes = new Map<number, string>();
  let writer: JournalWriter | null = null;
  let pseudonym: ((userId: string) => string) | null = null;
  let ids: IdDays | null = null;
  let closed = false;

  function open({ create }: { readonly create: boolean }): void {
    if (closed) throw new StoreError("STORE_CLOSED", `the store in ${root} is closed: open it again`);
    if (pseudonym) return;
    const meta = openJournalFolder(root, { create });
    if (meta) pseudonym = pseudonymiser(meta.salt);
  }

  function openWriter(): JournalWriter {
    open({ create: true });
    writer ??= journalWriter(root);
    return writer;
  }

  function appendSync(
    interactions: readonly Interaction[],
    { newIds = false } = {},
  ): { statuses: AppendStatus[]; error?: StoreError } {
    try {
      const out = openWriter();
      const fresh = newIds ? interactions : unknownOnes(interactions, out);
      const { written, error } = out.append(pseudonymous(fresh));
      if (ids) for (const record of fresh.slice(0, written)) ids.add(record.interactionId, record.timestamp);
      if (fresh.length === interactions.length) {
        return { statuses: Array<AppendStatus>(written).fill("stored"), ...(error && { error }) };
      }
      const stored = new Set<Interaction>(fresh.slice(0, written));
      const failedFrom = error ? interactions.indexOf(fresh[written] as Interaction) : interactions.length;
      const statuses = interactions
        .slice(0, failedFrom)
        .map((one): AppendStatus => (stored.has(one) ? "stored" : "duplicate"));
      return { statuses, ...(error && { error }) };
    } catch (error) {
      if (StoreError.isInstance(error)) return { statuses: [], error };
      throw error;
    }
  }

  /** Those whose id is neither in the journal nor earlier in the batch. */
  function unknownOnes(interactions: readonly Interaction[], out: JournalWriter): Interaction[] {
    if (!ids) {
      out.flushIndex();
      ids = idDays(root);
      ids.refresh();
    } else {
      ids.refresh(out.name);
    }
    const known = ids;
    const inBatch = new Set<string>();
    return interactions.filter(({ interactionId }) => {
      if (inBatch.has(interactionId) || known.find(interactionId) >= 0) return false;
      inBatch.add(interactionId);
      return true;
    });
  }

  function pseudonymous(interactions: readonly Interaction[]): readonly Interaction[] {
    const name = pseudonym;
    if (!name || interactions.every(({ userId }) => userId === undefined)) return interactions;
    return interactions.map((one) => (one.userId === undefined ? one : { ...one, userId: name(one.userId) }));
  }

  /** The day's index and annotations as they are now; null when the day has no records. */
  function openDay(day: string): { index: DayIndex; annotations: DayAnnotations } | null {
    const known = days.get(day);
    days.delete(day);
    const index = readDayIndex(root, day, known?.index ?? null);
    if (!index) return null;
    const opened = { index, annotations: known?.annotations ?? dayAnnotations(root, day) };
    opened.annotations.refresh();
    days.set(day, opened);
    if (days.size > REMEMBERED_DAYS) days.delete(days.keys().next().value as string);
    return opened;
  }

  function* daysOf({ startTime = -Infinity, endTime = Infinity }: InteractionFilter, descending: boolean) {
    writer?.flushIndex();
    const names = listDays(root).filter((day) => dayStart(day) < endTime && dayStart(day) + DAY_MS > startTime);
    if (descending) names.reverse();
    for (const day of names) {
      const opened = openDay(day);
      if (opened) yield { day, ...opened };
    }
  }

  /** Walks the rows of a day that match, from place `from` on. The row handed out is one object, filled anew. */
  function* matchingRows(
    { index, annotations }: { index: DayIndex; annotations: DayAnnotations },
    matches: (row: Filterable) => boolean,
    { descending = false, from }: { readonly descending?: boolean; readonly from?: number } = {},
  ) {
    const first = from ?? (descending ? index.count - 1 : 0);
    const row: DayRow = { timestamp: 0, overall: 0, agentType: "", flags: 0, ref: 0, words: NO_WORDS, at: 0 };
    let number = -1;
    let segment: DayIndex["segments"][number] | undefined;
    let refBase = 0;
    for (let place = first; place >= 0 && place < index.count; place += descending ? -1 : 1) {
      if (index.order[place * 2] !== number) {
        number = index.order[place * 2] as number;
        segment = index.segments[number];
        refBase = segment ? segmentNumber(segment.path) * REF_SEGMENT : 0;
      }
      if (!segment) continue;
      const { words, doubles } = segment.rows;
      const at = (index.order[place * 2 + 1] as number) * ROW_WORDS;
      const offset = doubles[at / 2 + 2] as number;
      const late =
        annotations.size > 0 ? annotations.ofHash(words[at + 12] as number, words[at + 13] as number) : undefined;
      row.timestamp = doubles[at / 2] as number;
      row.overall = overallOf(doubles[at / 2 + 1] as number, late);
      row.flags = (words[at + 7] as number) | (late ? annotationFlags(late) : 0);
      row.agentType = agentTypeName(words[at + 8] as number, segment.path, offset);
      row.ref = refBase + offset;
      row.words = words;
      row.at = at;
      if (matches(row)) yield row;
    }
  }

  /** Agent types stand in the index as hashes; one record of each tells the name. */
  function agentTypeName(hash: number, path: string, offset: number): string {
    const known = agentTypes.get(hash);
    if (known !== undefined) return known;
    const record = parseRecord(reader.lineAt(path, offset) ?? "");
    if (record && hash32(record.agentType) === hash) agentTypes.set(hash, record.agentType);
    return record?.agentType ?? "unknown";
  }

  function segmentNumber(path: string): number {
    const known = segmentNumbers.get(path);
    if (known !== undefined) return known;
    const number = segmentPaths.push(path) - 1;
    segmentNumbers.set(path, number);
    return number;
  }

  function read(ref: number, annotationsOf: (record: Interaction) => DayAnnotations | null): StoredInteraction | null {
    const path = segmentPaths[Math.floor(ref / REF_SEGMENT)];
    const line = path === undefined ? null : reader.lineAt(path, ref % REF_SEGMENT);
    const record = line === null ? null : parseRecord(line);
    if (!record) return null; // cleaned up or damaged meanwhile
    const late = annotationsOf(record)?.of(record.interactionId);
    return late && late.length > 0 ? { ...record, annotations: late } : record;
  }

  function locate(
    interactionId: string,
  ): { day: string; place: number; index: DayIndex; annotations: DayAnnotations } | null {
    const words = new Uint32Array(2);
    hash64(interactionId, words, 0);
    const time = idTime(interactionId);
    // An id of ours tells its day. Any other needs the table of all ids.
    for (const number of [time === null ? -1 : dayNumber(time), -2]) {
      const dayNo = number === -2 ? dayInTable(interactionId) : number;
      if (dayNo < 0) continue;
      const day = dayOf(dayNo * DAY_MS);
      const opened = openDay(day);
      const place = opened?.index.find(words[0] as number, words[1] as number) ?? -1;
      if (opened && place >= 0) return { day, place, ...opened };
    }
    return null;
  }

  function dayInTable(interactionId: string): number {
    const mine = writer?.name;
    writer?.flushIndex();
    if (!ids) {
      ids = idDays(root);
      ids.refresh();
    } else {
      ids.refresh(mine);
    }
    return ids.find(interactionId);
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
      open({ create: false });
      const byDay = new Map<string, string[]>();
      const statuses = annotations.map((annotation): AnnotateStatus => {
        const found = pseudonym && locate(annotation.interactionId);
        if (!found) return "notFound";
        const lines = byDay.get(found.day) ?? [];
        lines.push(JSON.stringify(annotation));
        byDay.set(found.day, lines);
        return "stored";
      });
      for (const [day, lines] of byDay) openWriter().appendAnnotations(day, lines);
      return statuses;
    },

    async get(interactionId) {
      open({ create: false });
      const found = pseudonym && locate(interactionId);
      if (!found) return null;
      const segment = found.index.segments[found.index.order[found.place * 2] as number];
      const row = found.index.order[found.place * 2 + 1] as number;
      if (!segment) return null;
      const offset = segment.rows.doubles[(row * ROW_WORDS) / 2 + 2] as number;
      const interaction = read(segmentNumber(segment.path) * REF_SEGMENT + offset, () => found.annotations);
      return interaction?.interactionId === interactionId ? interaction : null;
    },

    async *query(options = {}) {
      open({ create: false });
      checkQuery(options);
      const { order = "asc", limit = Infinity, cursor, signal } = options;
      const descending = order === "desc";
      const matches = interactionFilter(options);
      const after = cursor === undefined ? null : parseCursor(cursor);
      const beyond = after && (descending ? { endTime: after.timestamp + 1 } : { startTime: after.timestamp });
      let batch: StoredInteraction[] = [];
      let found = 0;
      if (limit === 0) return;
      for (const opened of daysOf(narrowed(options, beyond), descending)) {
        const from = after === null ? undefined : placeAfter(opened.index, after, descending);
        const said = opened.annotations.size > 0 ? opened.annotations : null;
        for (const row of matchingRows(opened, matches, { descending, ...(from !== undefined && { from }) })) {
          const interaction = read(row.ref, () => said);
          if (!interaction) continue;
          batch.push(interaction);
          found += 1;
          if (found >= limit) break;
          if (batch.length < QUERY_BATCH) continue;
          signal?.throwIfAborted();
          yield batch;
          await nextTurn();
          batch = [];
        }
        if (found >= limit) break;
      }
      signal?.throwIfAborted();
      if (batch.length > 0) yield batch;
    },

    async *scanIndex(filter = {}) {
      open({ create: false });
      const matches = interactionFilter(filter);
      const names: string[] = [];
      const numbers = new Map<string, number>();
      let batch = indexBatchBuilder();
      for (const opened of daysOf(filter, false)) {
        for (const row of matchingRows(opened, matches)) {
          let number = numbers.get(row.agentType);
          if (number === undefined) {
            number = names.push(row.agentType) - 1;
            numbers.set(row.agentType, number);
          }
          batch.push(indexRowOf(row, number));
          if (batch.length < INDEX_BATCH) continue;
          yield batch.batch(names);
          batch = indexBatchBuilder();
        }
        await nextTurn();
      }
      if (batch.length > 0) yield batch.batch(names);
    },

    async *fetch(refs) {
      open({ create: false });
      const annotations = new Map<string, DayAnnotations>();
      const annotationsOf = ({ timestamp }: Interaction) => {
        const day = dayOf(timestamp);
        let known = annotations.get(day);
        if (!known) {
          known = days.get(day)?.annotations ?? dayAnnotations(root, day);
          known.refresh();
          annotations.set(day, known);
        }
        return known.size > 0 ? known : null;
      };
      for (let start = 0; start < refs.length; start += QUERY_BATCH) {
        const batch: StoredInteraction[] = [];
        for (let i = start; i < Math.min(start + QUERY_BATCH, refs.length); i++) {
          const interaction = read(refs[i] as number, annotationsOf);
          if (interaction) batch.push(interaction);
        }
        if (batch.length > 0) yield batch;
        await nextTurn();
      }
    },

    async stats(filter = {}) {
      open({ create: false });
      const matches = interactionFilter(filter);
      const counter = statsCounter();
      for (const opened of daysOf(filter, false)) {
        for (const row of matchingRows(opened, matches)) counter.add(row);
        await nextTurn();
      }
      return counter.result();
    },

    async deleteBefore(timestamp) {
      open({ create: false });
      const firstKept = dayOf(timestamp);
      let removed = 0;
      writer?.flushIndex();
      for (const day of listDays(root).filter((name) => name < firstKept)) {
        removed += openDay(day)?.index.count ?? 0;
        days.delete(day);
        writer?.leaveDaysBefore(firstKept);
        // Out of sight in one step; a cleanup that is killed leaves nothing that looks like a day.
        const gone = join(root, `.removed-${day}-${process.pid}`);
        renameSync(join(root, day), gone);
        rmSync(gone, { recursive: true, force: true });
      }
      ids = null;
      return { removed };
    },

    async health() {
      open({ create: false });
      if (!pseudonym) return { status: "ok", reasons: [] };
      if (isWritable(root)) return { status: "ok", reasons: [] };
      return { status: "degraded", reasons: [`${root} is not writable: give write permission`] };
    },

    async close() {
      if (closed) return;
      closed = true;
      writer?.close();
      reader.close();
      days.clear();
    },
  };
}

function overallOf(own: number, late: readonly Annotation[] | undefined): number {
  if (!late) return own;
  const qualityScores: Record<string, number> = Number.isNaN(own) ? {} : { overall: own };
  return effectiveScore({ qualityScores, annotations: late })?.overall ?? Number.NaN;
}

/** One row of a day while it is looked at: filled anew for the next one. */
interface DayRow extends Filterable {
  timestamp: number;
  overall: number;
  agentType: string;
  flags: number;
  ref: number;
  words: Uint32Array;
  at: number;
}

const NO_WORDS = new Uint32Array(0);

function indexRowOf(row: DayRow, agentType: number): IndexRow {
  const { words, at } = row;
  return {
    refs: row.ref,
    timestamps: row.timestamp,
    overall: row.overall,
    promptKeyHigh: words[at + 10] as number,
    promptKeyLow: words[at + 11] as number,
    agentTypes: agentType,
    flags: row.flags,
    groupHigh: words[at + 14] as number,
    groupLow: words[at + 15] as number,
    users: words[at + 16] as number,
    sessions: words[at + 17] as number,
  };
}

function narrowed(filter: InteractionFilter, beyond: InteractionFilter | null): InteractionFilter {
  if (!beyond) return filter;
  return {
    startTime: Math.max(filter.startTime ?? -Infinity, beyond.startTime ?? -Infinity),
    endTime: Math.min(filter.endTime ?? Infinity, beyond.endTime ?? Infinity),
  };
}

/** The place of a day from which a query goes on behind its cursor; undefined when the whole day lies behind it. */
function placeAfter(
  index: DayIndex,
  { timestamp, interactionId }: { readonly timestamp: number; readonly interactionId: string },
  descending: boolean,
): number | undefined {
  if (index.day !== dayOf(timestamp)) return undefined;
  const words = new Uint32Array(2);
  hash64(interactionId, words, 0);
  const exact = index.find(words[0] as number, words[1] as number);
  const step = descending ? -1 : 1;
  if (exact >= 0) return exact + step;
  // The record is gone: go on with what lies beyond its time.
  let place = descending ? index.count - 1 : 0;
  const timeAt = (at: number): number => {
    const rows = index.segments[index.order[at * 2] as number]?.rows;
    return rows?.doubles[((index.order[at * 2 + 1] as number) * ROW_WORDS) / 2] ?? Number.NaN;
  };
  while (place >= 0 && place < index.count && (descending ? timeAt(place) >= timestamp : timeAt(place) <= timestamp)) {
    place += step;
  }
  return place;
}
