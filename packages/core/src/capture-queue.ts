import type { Annotation } from "./annotation.js";
import { ring } from "./ring.js";
import type { Snapshot } from "./snapshot.js";

/** One thing on its way to the store. */
export type Captured = { readonly sequence: number; readonly bytes: number } & (
  | { readonly snapshot: Snapshot; readonly annotation?: never }
  | { readonly annotation: Annotation; readonly snapshot?: never }
);

export interface CaptureQueueOptions {
  readonly maxQueue: number;
  readonly maxQueueBytes: number;
  readonly overflow: "dropNewest" | "dropOldest";
  /** Hears of everything that had to give way. */
  readonly onDrop: (dropped: Captured) => void;
}

/**
 * What was captured and is not stored yet: first in, first out, bounded in count and bytes. What was taken counts until
 * it is settled, so that a failed write is still within the bounds.
 */
export interface CaptureQueue {
  readonly records: number;
  readonly annotations: number;
  readonly bytes: number;
  /** How much of its bounds is used, from 0 to 1. */
  readonly fill: number;
  /** The sequence number of the first entry that nobody has taken; Infinity when there is none. */
  readonly front: number;
  /** Adds an entry, or drops one by the policy. */
  offer(entry: Captured): void;
  /** Takes up to `most` entries from the front. They are the caller's now, and still count. */
  take(most: number): Captured[];
  /** Says of a taken entry that it is dealt with. */
  settle(entry: Captured): void;
}

export function captureQueue({ maxQueue, maxQueueBytes, overflow, onDrop }: CaptureQueueOptions): CaptureQueue {
  const waiting = ring<Captured>(maxQueue);
  let records = 0;
  let annotations = 0;
  let bytes = 0;

  function count(entry: Captured, sign: 1 | -1): void {
    if (entry.snapshot) records += sign;
    else annotations += sign;
    bytes += sign * entry.bytes;
  }

  return {
    get records() {
      return records;
    },
    get annotations() {
      return annotations;
    },
    get bytes() {
      return bytes;
    },
    get fill() {
      return Math.max((records + annotations) / maxQueue, bytes / maxQueueBytes);
    },
    get front() {
      return waiting.peek()?.sequence ?? Infinity;
    },
    offer(entry) {
      while (records + annotations >= maxQueue || bytes + entry.bytes > maxQueueBytes) {
        const oldest = overflow === "dropOldest" && entry.bytes <= maxQueueBytes ? waiting.shift() : undefined;
        if (!oldest) {
          onDrop(entry);
          return;
        }
        count(oldest, -1);
        onDrop(oldest);
      }
      waiting.push(entry);
      count(entry, 1);
    },
    take(most) {
      const taken: Captured[] = [];
      while (taken.length < most) {
        const next = waiting.shift();
        if (!next) break;
        taken.push(next);
      }
      return taken;
    },
    settle: (entry) => count(entry, -1),
  };
}
