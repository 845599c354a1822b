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
  /** Adds an entry, or drops one by the policy. */
  offer(entry: Captured): void;
  /** Takes up to `most` entries of one kind from the front. What is taken already is given again. */
  take(most: number): readonly Captured[];
  /** Says of the first `count` taken entries that they are dealt with; the others will be given again. */
  settle(count: number): void;
  /** Takes one of the taken entries out: it is not given again. */
  discard(entry: Captured): void;
  /** True while something with this sequence number or an earlier one waits. */
  holds(sequence: number): boolean;
}

export function captureQueue({ maxQueue, maxQueueBytes, overflow, onDrop }: CaptureQueueOptions): CaptureQueue {
  const waiting = ring<Captured>(maxQueue);
  let taken: Captured[] = [];
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
    offer(entry) {
      while (waiting.size + taken.length >= maxQueue || bytes + entry.bytes > maxQueueBytes) {
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
      if (taken.length > 0) return taken;
      const kind = waiting.peek()?.snapshot !== undefined;
      for (let next = waiting.peek(); next && taken.length < most; next = waiting.peek()) {
        if ((next.snapshot !== undefined) !== kind) break;
        taken.push(next);
        waiting.shift();
      }
      return taken;
    },
    settle(number) {
      for (const entry of taken.slice(0, number)) count(entry, -1);
      taken = taken.slice(number);
    },
    discard(entry) {
      if (!taken.includes(entry)) return;
      taken = taken.filter((other) => other !== entry);
      count(entry, -1);
    },
    holds: (sequence) => ((taken[0] ?? waiting.peek())?.sequence ?? Infinity) <= sequence,
  };
}
