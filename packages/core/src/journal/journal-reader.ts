import { join } from "node:path";
import { type Annotation, effectiveScore } from "../annotation.js";
import { DAY_MS, dayNumber, dayOf, dayStart } from "../day.js";
import { hash32, hash64 } from "../hash.js";
import { annotationFlags, type IndexRow } from "../index-batch.js";
import type { Interaction } from "../interaction.js";
import type { Filterable } from "../interaction-filter.js";
import { idTime } from "../interaction-id.js";
import type { FetchedRecord, InteractionFilter } from "../store.js";
import { type DayAnnotations, dayAnnotations } from "./day-annotations.js";
import { type DayIndex, parseRecord, readDayIndex } from "./day-index.js";
import { ROW_WORDS } from "./index-rows.js";
import { listDays } from "./journal-files.js";
import { lineReader } from "./line-reader.js";

/** Days whose index stays in memory between calls: 80 bytes a record. */
const REMEMBERED_DAYS = 8;
/** Records whose annotations stay in memory between calls, of however many days. */
const REMEMBERED_ANNOTATED = 200_000;
/** How old the look at other processes' annotations may be while records are fetched one by one. */
const ANNOTATIONS_AGE_MS = 1_000;

/** A day as it was when it was opened. */
export interface OpenDay {
  readonly index: DayIndex;
  readonly annotations: DayAnnotations;
}

/** One row of a day while it is looked at: the next one is filled into the same object. */
export interface DayRow extends Filterable {
  /** The handle of the record. */
  readonly ref: number;
}

/** The reading side of a journal folder: days, their rows in order of time, records by handle. */
export interface JournalReader {
  /** The day with this name as it is now; null when it has no records. */
  openDay(day: string): OpenDay | null;
  /** The days that a filter's times touch, one opened at a time. */
  days(filter: InteractionFilter, options?: { readonly descending?: boolean }): Generator<OpenDay>;
  /**
   * Gives the rows of a day that match, one a call from place `from` on, and null behind the last. (No generator: over
   * millions of rows its protocol costs as much as looking at them.)
   */
  rows(
    day: OpenDay,
    matches: (row: Filterable) => boolean,
    options?: { readonly descending?: boolean; readonly from?: number | undefined },
  ): () => DayRow | null;
  /** The columns of a row for builders. */
  indexRow(row: DayRow, agentType: number): IndexRow;
  /** The record of a row with what was said of it; null when it is damaged. */
  readRow(row: DayRow, annotations: DayAnnotations | null): FetchedRecord | null;
  /** The same of a handle; null also when the record is gone. */
  read(ref: number, annotationsOf: (record: Interaction) => DayAnnotations | null): FetchedRecord | null;
  /** All that was said of the records of a record's day; null when that is nothing. */
  annotationsOf(record: Interaction): DayAnnotations | null;
  /**
   * Returns what finds the records of ids in the journal as it is now. `dayOfForeign` tells the day, in days since
   * 1970 or -1, of an id that does not tell it.
   */
  locator(
    dayOfForeign: (interactionId: string) => number,
  ): (interactionId: string) => { readonly day: OpenDay; readonly ref: number } | null;
  /** This process has annotated records of the day: the next look at it is a fresh one. */
  annotated(day: string): void;
  /** Lets go of a day that is about to be removed. */
  forget(day: string): void;
  close(): void;
}

interface FilledRow extends DayRow {
  timestamp: number;
  overall: number;
  flags: number;
  /** Of the segment, and where in it the line stands. */
  segment: number;
  offset: number;
  length: number;
  words: Uint32Array;
  at: number;
}

export function journalReader(root: string): JournalReader {
  const lines = lineReader();
  const remembered = new Map<string, OpenDay>();
  const segmentNumbers = new Map<string, number>();
  const segmentPaths: string[] = [];
  const agentTypes = new Map<number, string>();
  /** The days used last come last. */
  const annotations = new Map<string, { readonly said: DayAnnotations; refreshedAt: number }>();

  /** What was said of a day's records, as of at most `maxAgeMs` ago. */
  function annotationsOfDay(day: string, maxAgeMs: number): DayAnnotations {
    const known = annotations.get(day) ?? { said: dayAnnotations(root, day), refreshedAt: -Infinity };
    const now = performance.now();
    if (now - known.refreshedAt > maxAgeMs) {
      known.said.refresh();
      known.refreshedAt = now;
      annotations.delete(day);
      annotations.set(day, known);
      forgetAnnotations();
    }
    return known.said;
  }

  function forgetAnnotations(): void {
    let size = 0;
    for (const { said } of annotations.values()) size += said.size;
    for (const [day, { said }] of annotations) {
      if (size <= REMEMBERED_ANNOTATED || annotations.size === 1) return;
      size -= said.size;
      annotations.delete(day);
    }
  }

  function openDay(day: string): OpenDay | null {
    const known = remembered.get(day);
    remembered.delete(day);
    const index = readDayIndex(root, day, known?.index ?? null);
    if (!index) return null;
    // What was read ahead of a file that somebody has edited since is of no use any more.
    if (known && wasEdited(known.index, index)) lines.leave(join(root, day));
    let said: DayAnnotations | undefined;
    const opened: OpenDay = {
      index,
      // Read when somebody asks: whoever only looks for a record, to annotate it, needs none of them.
      get annotations() {
        said ??= annotationsOfDay(day, 0);
        return said;
      },
    };
    remembered.set(day, opened);
    if (remembered.size > REMEMBERED_DAYS) remembered.delete(remembered.keys().next().value as string);
    return opened;
  }

  /** Agent types stand in the index as hashes; one record of each tells the name. */
  function agentTypeName(hash: number, ref: number): string {
    const known = agentTypes.get(hash);
    if (known !== undefined) return known;
    const line = lineAt(ref);
    const record = line === null ? null : parseRecord(line);
    if (record && hash32(record.agentType) === hash) agentTypes.set(hash, record.agentType);
    return record?.agentType ?? "unknown";
  }

  /** What most readers of rows never ask for. On a prototype, for with getters of its own every row had its own shape. */
  const onDemand: Pick<DayRow, "ref" | "agentType"> & ThisType<FilledRow> = {
    get ref() {
      return refOf(this.segment, this.offset, this.length);
    },
    get agentType() {
      return agentTypeName(this.words[this.at + 8] as number, this.ref);
    },
  };

  function lineAt(ref: number): string | null {
    const place = Math.floor(ref / SIZES);
    const path = segmentPaths[Math.floor(place / OFFSETS)];
    return path === undefined ? null : lines.lineAt(path, place % OFFSETS, SMALLEST_READ * 2 ** (ref % SIZES));
  }

  function segmentNumber(path: string): number {
    const known = segmentNumbers.get(path);
    if (known !== undefined) return known;
    const number = segmentPaths.push(path) - 1;
    segmentNumbers.set(path, number);
    return number;
  }

  return {
    openDay,

    *days({ startTime = -Infinity, endTime = Infinity }, { descending = false } = {}) {
      const names = listDays(root).filter((day) => dayStart(day) < endTime && dayStart(day) + DAY_MS > startTime);
      if (descending) names.reverse();
      for (const day of names) {
        const opened = openDay(day);
        if (opened) yield opened;
      }
    },

    rows({ index, annotations }, matches, { descending = false, from } = {}) {
      const row: FilledRow = Object.assign(Object.create(onDemand), EMPTY_ROW);
      const { order, segments, count } = index;
      const step = descending ? -1 : 1;
      const isAnnotated = annotations.size > 0;
      let place = from ?? (descending ? count - 1 : 0);
      let number = -1;
      let rows: DayIndex["segments"][number]["rows"] | undefined;
      return () => {
        for (; place >= 0 && place < count; place += step) {
          if (order[place * 2] !== number) {
            number = order[place * 2] as number;
            const segment = segments[number];
            rows = segment?.rows;
            row.segment = segment ? segmentNumber(segment.path) : 0;
          }
          if (!rows) continue;
          const { words, doubles } = rows;
          const at = (order[place * 2 + 1] as number) * ROW_WORDS;
          const said = isAnnotated ? annotations.ofHash(words[at + 12] as number, words[at + 13] as number) : undefined;
          row.timestamp = doubles[at / 2] as number;
          row.overall = overallOf(doubles[at / 2 + 1] as number, said);
          row.flags = (words[at + 7] as number) | (said ? annotationFlags(said) : 0);
          row.offset = doubles[at / 2 + 2] as number;
          row.length = words[at + 6] as number;
          row.words = words;
          row.at = at;
          if (!matches(row)) continue;
          place += step;
          return row;
        }
        return null;
      };
    },

    indexRow(row, agentType) {
      const { words, at, ref, timestamp, overall, flags } = row as FilledRow;
      return {
        refs: ref,
        timestamps: timestamp,
        overall,
        promptKeyHigh: words[at + 10] as number,
        promptKeyLow: words[at + 11] as number,
        agentTypes: agentType,
        flags,
        groupHigh: words[at + 14] as number,
        groupLow: words[at + 15] as number,
        users: words[at + 16] as number,
        sessions: words[at + 17] as number,
      };
    },

    readRow(row, annotations) {
      const { segment, offset, length } = row as FilledRow;
      const json = lines.lineAt(segmentPaths[segment] as string, offset, length + 1, true);
      const record = json === null ? null : parseRecord(json);
      return json === null || !record ? null : fetched(record, json, annotations);
    },

    read(ref, annotationsOf) {
      const json = lineAt(ref);
      const record = json === null ? null : parseRecord(json);
      return json === null || !record ? null : fetched(record, json, annotationsOf(record));
    },

    annotationsOf({ timestamp }) {
      const said = annotationsOfDay(dayOf(timestamp), ANNOTATIONS_AGE_MS);
      return said.size > 0 ? said : null;
    },

    annotated(day) {
      const known = annotations.get(day);
      if (known) known.refreshedAt = -Infinity;
    },

    locator(dayOfForeign) {
      const opened = new Map<number, OpenDay | null>();
      const words = new Uint32Array(2);
      const dayNumbered = (number: number): OpenDay | null => {
        let day = opened.get(number);
        if (day === undefined) {
          day = number < 0 ? null : openDay(dayOf(number * DAY_MS));
          opened.set(number, day);
        }
        return day;
      };
      const find = (number: number) => {
        const day = dayNumbered(number);
        const place = day?.index.find(words[0] as number, words[1] as number) ?? -1;
        if (!day || place < 0) return null;
        const segment = day.index.segments[day.index.order[place * 2] as number];
        if (!segment) return null;
        const { words: columns, doubles } = segment.rows;
        const at = (day.index.order[place * 2 + 1] as number) * ROW_WORDS;
        const offset = doubles[at / 2 + 2] as number;
        return { day, ref: refOf(segmentNumber(segment.path), offset, columns[at + 6] as number) };
      };
      return (interactionId) => {
        hash64(interactionId, words, 0);
        // An id of ours tells its day; for any other somebody has to look.
        const time = idTime(interactionId);
        return (time === null ? null : find(dayNumber(time))) ?? find(dayOfForeign(interactionId));
      };
    },

    forget(day) {
      lines.leave(join(root, day));
      remembered.delete(day);
      annotations.delete(day);
    },

    close() {
      lines.close();
      remembered.clear();
      annotations.clear();
    },
  };
}

function fetched(record: Interaction, json: string, annotations: DayAnnotations | null): FetchedRecord {
  const said = annotations?.of(record.interactionId);
  return { interaction: said && said.length > 0 ? { ...record, annotations: said } : record, json };
}

// A handle is a whole number below 2^53: 20 bits of segment number, 29 of offset (a segment ends far below that), and
// 4 that tell how much to read: 512 bytes, doubled so many times.
const OFFSETS = 2 ** 29;
const SIZES = 16;
const SMALLEST_READ = 512;

function refOf(segment: number, offset: number, length: number): number {
  const doublings = Math.min(SIZES - 1, 32 - Math.clz32(Math.floor(length / SMALLEST_READ)));
  return (segment * OFFSETS + offset) * SIZES + doublings;
}

function wasEdited(before: DayIndex, after: DayIndex): boolean {
  const generations = new Map(after.segments.map(({ path, generation }) => [path, generation]));
  return before.segments.some(({ path, generation }) => generations.get(path) !== generation);
}

const EMPTY_ROW: Omit<FilledRow, "ref" | "agentType"> = {
  timestamp: 0,
  overall: 0,
  flags: 0,
  segment: 0,
  offset: 0,
  length: 0,
  words: new Uint32Array(0),
  at: 0,
};

function overallOf(own: number, said: readonly Annotation[] | undefined): number {
  if (!said) return own;
  const qualityScores: Record<string, number> = Number.isNaN(own) ? {} : { overall: own };
  return effectiveScore({ qualityScores, annotations: said })?.overall ?? Number.NaN;
}

/** The place of a day from which a query goes on behind its cursor; undefined when all of the day lies ahead. */
export function placeAfter(
  index: DayIndex,
  { timestamp, interactionId }: { readonly timestamp: number; readonly interactionId: string },
  descending: boolean,
): number | undefined {
  if (index.day !== dayOf(timestamp)) return undefined;
  const words = new Uint32Array(2);
  hash64(interactionId, words, 0);
  const step = descending ? -1 : 1;
  const exact = index.find(words[0] as number, words[1] as number);
  if (exact >= 0) return exact + step;
  // The record is gone: go on with what lies beyond its time.
  const timeAt = (place: number): number => {
    const rows = index.segments[index.order[place * 2] as number]?.rows;
    return rows?.doubles[((index.order[place * 2 + 1] as number) * ROW_WORDS) / 2] ?? Number.NaN;
  };
  let place = descending ? index.count - 1 : 0;
  while (place >= 0 && place < index.count && (descending ? timeAt(place) >= timestamp : timeAt(place) <= timestamp)) {
    place += step;
  }
  return place;
}
