import { setTimeout as sleep } from "node:timers/promises";
import type { Annotation } from "./annotation.js";
import type { Captured, CaptureQueue } from "./capture-queue.js";
import { StoreError } from "./errors.js";
import type { Interaction } from "./interaction.js";
import { toInteraction } from "./prepare.js";
import type { RecordRedactor } from "./redact/redact-record.js";
import type { AppendStatus, InteractionStore, JournaledStore } from "./store.js";

/** Records that are written to a journal between two turns of the event loop. */
const SLICE = 16;
/** Records that travel to another store at once, and how long a smaller batch waits for more. */
const BATCH = 64;
const LINGER_MS = 10;
/** After a write as slow as this the drain stays away from the disk for a while. */
const SLOW_WRITE_MS = 50;
const SLOW_PAUSE_MS = 1_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/** Timers of Node count in 31 bits; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface DrainOptions {
  readonly queue: CaptureQueue;
  readonly store: InteractionStore;
  /** Given when records are to be written at once, between two turns of the event loop. */
  readonly journal: JournaledStore | null;
  /** Runs before anything reaches a store; null when records are stored as they are. */
  readonly redact: RecordRedactor | null;
  /** Hears of what could not be redacted, and so is not stored. */
  readonly onRefused: (refused: Captured) => void;
  readonly onStored: (statuses: readonly AppendStatus[]) => void;
  readonly onAnnotated: (stored: number, unknown: number) => void;
  /** Why nothing moves, or null when it moves again. */
  readonly onTrouble: (error: StoreError | null) => void;
}

/** How old the look at other processes' ids may be when records with ids of the caller's own are stored. */
export const IDS_MAX_AGE_MS = 250;

/** Moves a queue into a store in the background, and tries again for as long as the store fails. */
export interface Drain {
  /** Something is in the queue: begin at the end of this turn of the event loop. */
  wake(): void;
  /** Resolves when nothing up to this sequence number waits any more, or the time is up. Hurries meanwhile. */
  until(sequence: number, timeoutMs: number): Promise<void>;
  /** Writes what waits at once, as far as a journal allows that. For the end of a process. */
  now(): void;
  stop(): void;
  /** Why nothing is written for the moment although nothing failed: the last write was slow. */
  pausedBecause(): string | null;
}

interface Waiter {
  readonly sequence: number;
  done: () => void;
}

export function drain(options: DrainOptions): Drain {
  const { queue, store, journal, redact, onRefused, onStored, onAnnotated, onTrouble } = options;
  const waiters = new Set<Waiter>();
  let planned: NodeJS.Immediate | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing = false;
  let stopped = false;
  let retryMs = 0;
  let pause: string | null = null;

  function wake(): void {
    if (planned || timer || writing || stopped) return;
    if (journal || queue.records + queue.annotations >= BATCH || waiters.size > 0) planned = setImmediate(begin);
    else timer = setTimeout(begin, LINGER_MS);
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
    const ready = take(journal ? SLICE : BATCH);
    if (!ready) {
      goOn(0);
      return;
    }
    if (journal && ready.records) {
      goOn(writeToJournal(journal, ready));
      return;
    }
    writing = true;
    void send(ready).then((pauseMs) => {
      writing = false;
      goOn(pauseMs);
    });
  }

  /** The next entries of one kind, as they will be stored. What cannot be redacted leaves the queue here. */
  function take(most: number): Ready | null {
    const records: Interaction[] = [];
    const annotations: Annotation[] = [];
    let newIds = true;
    for (const entry of queue.take(most)) {
      try {
        if (entry.snapshot) {
          const record = toInteraction(entry.snapshot);
          records.push(redact ? redact.interaction(record) : record);
          newIds &&= entry.snapshot.newId;
        } else {
          annotations.push(redact ? redact.annotation(entry.annotation) : entry.annotation);
        }
      } catch {
        queue.discard(entry);
        onRefused(entry);
      }
    }
    if (records.length > 0) return { records, newIds };
    return annotations.length > 0 ? { annotations } : null;
  }

  /** Plans what comes next: at once, or after a pause. */
  function goOn(pauseMs: number): void {
    tellWaiters();
    if (queue.records + queue.annotations === 0 || stopped) return;
    // A pause does not keep a process alive that has nothing else to do: it could be for ever.
    if (pauseMs > 0) timer = setTimeout(begin, pauseMs).unref();
    else wake();
  }

  function writeToJournal(journaled: JournaledStore, ready: ReadyRecords): number {
    const started = performance.now();
    const error = appendToJournal(journaled, ready);
    if (error) return failed(error);
    worked();
    const tookMs = Math.round(performance.now() - started);
    if (tookMs <= SLOW_WRITE_MS || waiters.size > 0) return 0;
    pause = `a write took ${tookMs} ms: interactions wait in memory for ${SLOW_PAUSE_MS / 1_000} s`;
    return SLOW_PAUSE_MS;
  }

  /** Writes records and settles those that are written. */
  function appendToJournal(journaled: JournaledStore, { records, newIds }: ReadyRecords): StoreError | undefined {
    const { statuses, error } = journaled.appendSync(records, { newIds, idsMaxAgeMs: IDS_MAX_AGE_MS });
    queue.settle(statuses.length);
    if (statuses.length > 0) onStored(statuses);
    return error;
  }

  async function send(ready: Ready): Promise<number> {
    try {
      if (ready.records) {
        const statuses = await store.append(ready.records);
        queue.settle(ready.records.length);
        onStored(statuses);
      } else {
        const statuses = await store.annotate(ready.annotations);
        queue.settle(ready.annotations.length);
        const known = statuses.filter((status) => status === "stored").length;
        onAnnotated(known, statuses.length - known);
      }
      worked();
      return 0;
    } catch (cause) {
      return failed(asStoreError(cause));
    }
  }

  function worked(): void {
    if (retryMs > 0) onTrouble(null);
    retryMs = 0;
  }

  function failed(error: StoreError): number {
    onTrouble(error);
    if (error.code === "STORE_CLOSED") giveUpWaiting(); // it will not open again
    retryMs = Math.min(LAST_RETRY_MS, retryMs === 0 ? FIRST_RETRY_MS : retryMs * 2);
    // Full jitter, so that many processes do not come back at the same time.
    return retryMs * (0.5 + Math.random() / 2);
  }

  function tellWaiters(): void {
    for (const waiter of waiters) {
      if (queue.holds(waiter.sequence)) continue;
      waiters.delete(waiter);
      waiter.done();
    }
  }

  function giveUpWaiting(): void {
    for (const waiter of waiters) waiter.done();
    waiters.clear();
  }

  function hurry(): void {
    if (planned || writing) return;
    clearTimeout(timer);
    timer = undefined;
    planned = setImmediate(begin);
  }

  return {
    wake,

    async until(sequence, timeoutMs) {
      if (!queue.holds(sequence)) return;
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
    },

    now() {
      if (!journal) return;
      while (queue.records + queue.annotations > 0) {
        const ready = take(BATCH);
        if (!ready) continue; // all of them were refused, so the queue is shorter
        if (!ready.records) {
          // A journal has written them before it returns its promise.
          journal.annotate(ready.annotations).catch(() => undefined);
          queue.settle(ready.annotations.length);
          continue;
        }
        if (appendToJournal(journal, ready)) return;
      }
    },

    pausedBecause: () => pause,

    stop() {
      stopped = true;
      clearTimeout(timer);
      clearImmediate(planned);
      planned = undefined;
      timer = undefined;
    },
  };
}

function asStoreError(cause: unknown): StoreError {
  if (StoreError.isInstance(cause)) return cause;
  return new StoreError("STORE_UNAVAILABLE", `the store failed: ${messageOf(cause)}`, { cause });
}

function messageOf(cause: unknown): string {
  try {
    return cause instanceof Error ? cause.message : String(cause);
  } catch {
    return "for a reason that cannot be told";
  }
}

interface ReadyRecords {
  readonly records: readonly Interaction[];
  /** All ids were made here just now, so the store need not look for them. */
  readonly newIds: boolean;
}

type Ready =
  | (ReadyRecords & { readonly annotations?: never })
  | { readonly annotations: readonly Annotation[]; readonly records?: never };
