import type { Annotation } from "../annotation.js";
import type { Captured } from "../capture-queue.js";
import type { Prepared } from "../drain.js";
import type { Interaction } from "../interaction.js";
import { parseRecord } from "../journal/day-index.js";
import type { Segment } from "./spool.js";

/** Entries that travel to the store together. */
export const PARCEL_ENTRIES = 64;

/**
 * Where a parcel's entries come from: `live` were logged here and are counted, `leftover` are of a process that is no
 * more, `again` were stored once already.
 */
export type ParcelKind = "live" | "leftover" | "again";

/** An entry on its way. In a segment of the spool, or counted by the queue, until it is settled. */
export interface Item {
  readonly sequence: number;
  /** What it weighs in memory, about. */
  readonly bytes: number;
  readonly record: Interaction | null;
  /** The record's JSON in UTF-8, where it was made: for the spool. */
  readonly json: Buffer | null;
  /** The record's id was made here. Not known of what is read back. */
  readonly newId: boolean;
  readonly annotation: Annotation | null;
  readonly segment: Segment | null;
  readonly captured: Captured | null;
}

export interface Parcel {
  readonly kind: ParcelKind;
  /** Of its first entry. */
  readonly sequence: number;
  /** The segment that it was read from, which must stay until it has arrived. */
  readonly reads: Segment | null;
  /** What is not settled yet. */
  records: readonly Item[];
  annotations: readonly Item[];
  /** Records that are sent at once: fewer after the store refused some record among them. */
  most: number;
  sending: boolean;
  sentAt: number;
  /** Counts the tries: the answer to a try that was given up is not listened to. */
  attempt: number;
  /** The one record that tells whether what was refused is taken by now. */
  readonly isProbe: boolean;
}

export function parcelOf(
  kind: ParcelKind,
  items: readonly Item[],
  { reads = null, isProbe = false }: { readonly reads?: Segment | null; readonly isProbe?: boolean } = {},
): Parcel {
  const annotations = items.some(({ annotation }) => annotation) ? items.filter(({ annotation }) => annotation) : [];
  return {
    kind,
    sequence: items[0]?.sequence ?? Infinity,
    reads,
    records: annotations.length > 0 ? items.filter(({ record }) => record) : items,
    annotations,
    most: PARCEL_ENTRIES,
    sending: false,
    sentAt: 0,
    attempt: 0,
    isProbe,
  };
}

/** An entry whose line is in the spool. */
export function spooledItem({ sequence, record, newId, annotation }: Prepared, line: Buffer, segment: Segment): Item {
  const json = record ? line : null;
  return { sequence, bytes: weightOf(line), record, json, newId, annotation, segment, captured: null };
}

/** An entry that no disk holds. */
export function memoryItem({ sequence, bytes, record, newId, annotation, captured }: Prepared): Item {
  return { sequence, bytes, record, json: null, newId, annotation, segment: null, captured };
}

/** What an entry weighs in memory, about: its text as JSON, and once more as the values that it was made of. */
export function weightOf(line: Buffer): number {
  return 512 + 2 * line.length;
}

/** The entry of a line of the spool; null when the line is damaged. */
export function itemOfLine(line: Buffer, segment: Segment, sequence: number): Item | null {
  const text = line.toString();
  const record = parseRecord(text);
  const annotation = record ? null : parseAnnotation(text);
  if (!record && !annotation) return null;
  const json = record ? line : null;
  return { sequence, bytes: weightOf(line), record, json, newId: false, annotation, segment, captured: null };
}

function parseAnnotation(line: string): Annotation | null {
  try {
    const annotation = JSON.parse(line) as Partial<Annotation> | null;
    const isWhole =
      typeof annotation === "object" &&
      typeof annotation?.interactionId === "string" &&
      typeof annotation.source === "string" &&
      typeof annotation.kind === "string";
    return isWhole ? (annotation as Annotation) : null;
  } catch {
    return null;
  }
}
