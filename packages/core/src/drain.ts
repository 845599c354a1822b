import { setTimeout as sleep } from "node:timers/promises";
import type { Annotation } from "./annotation.js";
import type { Captured, CaptureQueue } from "./capture-queue.js";
import type { StoreError } from "./errors.js";
import type { Interaction } from "./interaction.js";
import { toInteraction } from "./prepare.js";
import type { RecordRedactor } from "./redact/redact-record.js";
import { asStoreError, growingPause } from "./store-trouble.js";

/** Entries that are dealt with between two turns of the event loop: the more wait, the more of them. */
const SLICE = 16;
const LONGEST_SLICE = 128;
const SLICES_THAT_WAIT = 64;
/** Of the queue's bounds; from here on slices are as long as they get. */
const HALF_FULL = 0.5;
/** How long the drain stays away from a disk that was slow. */
const SLOW_PAUSE_MS = 1_000;
/** Timers of Node count in 31 bits; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** An entry as it will be stored: redacted, well-formed, one of `record` and `annotation`. */
export interface Prepared {
  readonly sequence: number;
  readonly bytes: number;
  /** What the queue counts until it is settled; null for what never was in the queue. */
  readonly captured: Captured | null;
  readonly record: Interaction | null;
  /** The record's id was made here just now, so nobody need look for it. */
  readonly newId: boolean;
  readonly annotation: Annotation | null;
}

/** What a sink did with what it was given. */
export interface Taken {
  /** How many of the first entries are its business from now on. */
  readonly count: number;
  /** Why it did not take the next one. */
  readonly error?: StoreError | undefined;
  /** Why the disk should be left alone for a while. */
  readonly slow?: string | undefined;
}

/** Where a drain pours: a journal on this machine's disk, or what delivers to a store. */
export interface Sink {
  /** How many entries it takes now. After a 0 it wakes the drain by itself. */
  room(): number;
  take(entries: readonly Prepared[]): Taken | Promise<Taken>;
  /** Takes what can be on disk before it returns, and says how much: for `sync` and for the end of a process. */
  takeNow(entries: readonly Prepared[]): Taken;
  /** True while something with this sequence number or an earlier one is not stored. */
  holds(sequence: number): boolean;
  /** Somebody waits, or nobody any more. */
  hurry(hurried: boolean): void;
  /** Nothing follows. What is not stored stays for another process where there is a disk. */
  end(): void;
}

export interface DrainOptions {
  readonly queue: CaptureQueue;
  readonly sink: Sink;
  /** Runs before anything reaches a store; null when records are stored as they are. */
  readonly redact: RecordRedactor | null;
  /** Hears of what could not be redacted, and so is not stored. */
  readonly onRefused: (refused: Captured) => void;
  /** Why nothing moves, or null when it moves again. */
  readonly onTrouble: (error: StoreError | null) => void;
}

/** Moves a queue into a sink in the background, and tries again for as long as the sink fails. */
export interface Drain {
  /** Something is in the queue, or the sink has room: begin at the end of this turn of the event loop. */
  wake(): void;
  /** Resolves when nothing up to this sequence number waits any more, or the time is up. Hurries meanwhile. */
  until(sequence: number, timeoutMs: number): Promise<void>;
  /** Something was stored: somebody may have waited for it. */
  tellWaiters(): void;
  /** Nothing will be stored any more: nobody need wait. */
  giveUp(): void;
  /** Writes what waits at once, as far as a disk and the time allow that. For the end of a logger or a process. */
  now(timeoutMs?: number): void;
  stop(): void;
  /** Why nothing is written for the moment although nothing failed: the last write was slow. */
  pausedBecause(): string | null;
}

interface Waiter {
  readonly sequence: number;
  done: () => void;
}

export function drain({ queue, sink, redact, onRefused, onTrouble }: DrainOptions): Drain {
  const waiters = new Set<Waiter>();
  const retry = growingPause();
  /** Taken from the queue, and refused by the sink so far. */
  let held: readonly Prepared[] = [];
  let planned: NodeJS.Immediate | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing = false;
  let stopped = false;
  let inTrouble = false;
  let pause: string | null = null;

  function wake(): void {
    // A disk that is slow is better than a queue that overflows.
    if (timer && pause !== null && queue.fill > HALF_FULL) {
      clearTimeout(timer);
      timer = undefined;
    }
    if (!planned && !timer && !writing && !stopped) planned = setImmediate(begin);
  }

  function begin(): void {
    planned = undefined;
    clearTimeout(timer);
    timer = undefined;
    pause = null;
    try {
      writeSlice();
    } catch (cause) {
      // A store is somebody's code: whatever it throws, the agent must not hear of it.
      goOn(failed(asStoreError(cause)));
    }
  }

  function writeSlice(): void {
    const room = sink.room();
    if (room <= 0) return;
    if (held.length === 0) held = prepared(Math.min(room, sliceNow()));
    if (held.length === 0) {
      goOn(0);
      return;
    }
    const taken = sink.take(held);
    if (!(taken instanceof Promise)) {
      goOn(settle(taken));
      return;
    }
    writing = true;
    void taken
      .then(settle, (cause: unknown) => failed(asStoreError(cause)))
      .then((pauseMs) => {
        writing = false;
        goOn(pauseMs);
      });
  }

  function sliceNow(): number {
    const waiting = (queue.records + queue.annotations) / SLICES_THAT_WAIT;
    const pressing = (LONGEST_SLICE * queue.fill) / HALF_FULL;
    return Math.ceil(Math.min(LONGEST_SLICE, Math.max(SLICE, waiting, pressing)));
  }

  /** The next entries, as they will be stored. What cannot be redacted leaves the queue here. */
  function prepared(most: number): Prepared[] {
    const ready: Prepared[] = [];
    for (const entry of queue.take(most)) {
      try {
        ready.push(prepare(entry, redact));
      } catch {
        queue.settle(entry);
        onRefused(entry);
      }
    }
    return ready;
  }

  /** Lets go of what the sink has taken, and says how long to stay away from it. */
  function settle({ count, error, slow }: Taken): number {
    held = count < held.length ? held.slice(count) : [];
    if (error) return failed(error);
    if (inTrouble) onTrouble(null);
    inTrouble = false;
    retry.reset();
    if (!slow || waiters.size > 0) return 0;
    pause = `${slow}: interactions wait in memory for ${SLOW_PAUSE_MS / 1_000} s`;
    return SLOW_PAUSE_MS;
  }

  function failed(error: StoreError): number {
    inTrouble = true;
    onTrouble(error);
    if (error.code === "STORE_CLOSED") giveUp(); // it will not open again
    return retry.next();
  }

  /** Plans what comes next: at once, or after a pause. */
  function goOn(pauseMs: number): void {
    tellWaiters();
    if (stopped || (held.length === 0 && queue.front === Infinity)) return;
    // A pause does not keep a process alive that has nothing else to do: it could be for ever.
    if (pauseMs > 0) timer = setTimeout(begin, pauseMs).unref();
    else wake();
  }

  function holds(sequence: number): boolean {
    return Math.min(held[0]?.sequence ?? Infinity, queue.front) <= sequence || sink.holds(sequence);
  }

  function tellWaiters(): void {
    if (waiters.size === 0) return;
    for (const waiter of waiters) {
      if (holds(waiter.sequence)) continue;
      waiters.delete(waiter);
      waiter.done();
    }
    if (waiters.size === 0) sink.hurry(false);
  }

  function giveUp(): void {
    for (const waiter of waiters) waiter.done();
    waiters.clear();
    sink.hurry(false);
  }

  function hurry(): void {
    sink.hurry(true);
    if (planned || writing) return;
    clearTimeout(timer);
    timer = undefined;
    planned = setImmediate(begin);
  }

  return {
    wake,
    tellWaiters,
    giveUp,

    async until(sequence, timeoutMs) {
      if (!holds(sequence)) return;
      const timedOut = new AbortController();
      const waiter: Waiter = { sequence, done: () => undefined };
      const settled = new Promise<void>((done) => {
        waiter.done = done;
      });
      waiters.add(waiter);
      hurry();
      const waited = Math.min(timeoutMs, LONGEST_TIMER_MS);
      await Promise.race([settled, sleep(waited, undefined, { signal: timedOut.signal }).catch(() => undefined)]);
      timedOut.abort();
      waiters.delete(waiter);
      if (waiters.size === 0) sink.hurry(false);
    },

    now(timeoutMs = Infinity) {
      const end = performance.now() + timeoutMs;
      while (performance.now() < end) {
        if (held.length === 0) held = prepared(LONGEST_SLICE);
        if (held.length === 0) {
          if (queue.front === Infinity) return;
          continue; // all of them were refused, so the queue is shorter
        }
        try {
          const { count, error } = sink.takeNow(held);
          held = held.slice(count);
          if (error || count === 0) return;
        } catch {
          return; // a store is somebody's code, and whoever closes must not hear of what it throws
        }
      }
    },

    pausedBecause: () => pause,

    stop() {
      stopped = true;
      clearTimeout(timer);
      clearImmediate(planned);
      planned = undefined;
      timer = undefined;
      sink.end();
    },
  };
}

/** An entry as it will be stored. @throws whatever the redactor throws */
export function prepare(entry: Captured, redact: RecordRedactor | null): Prepared {
  const { sequence, bytes, snapshot } = entry;
  if (!snapshot) {
    const annotation = redact ? redact.annotation(entry.annotation) : entry.annotation;
    return { sequence, bytes, captured: entry, record: null, newId: false, annotation };
  }
  const record = toInteraction(snapshot);
  return {
    sequence,
    bytes,
    captured: entry,
    record: redact ? redact.interaction(record) : record,
    newId: snapshot.newId,
    annotation: null,
  };
}
