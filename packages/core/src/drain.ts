import { setTimeout as sleep } from "node:timers/promises";
import type { Captured, CaptureQueue } from "./capture-queue.js";
import { StoreError } from "./errors.js";
import { toInteraction } from "./prepare.js";
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

export interface DrainOptions {
  readonly queue: CaptureQueue;
  readonly store: InteractionStore;
  /** Given when records are to be written at once, between two turns of the event loop. */
  readonly journal: JournaledStore | null;
  readonly onStored: (statuses: readonly AppendStatus[]) => void;
  readonly onAnnotated: (stored: number, unknown: number) => void;
  /** Why nothing moves, or null when it moves again. */
  readonly onTrouble: (error: StoreError | null) => void;
}

/** Moves a queue into a store in the background, and tries again for as long as the store fails. */
export interface Drain {
  /** Something is in the queue: begin at the end of this turn of the event loop. */
  wake(): void;
  /** Resolves when nothing up to this sequence number waits any more, or the time is up. Hurries meanwhile. */
  until(sequence: number, timeoutMs: number): Promise<void>;
  /** Writes what waits at once, as far as a journal allows that. For the end of a process. */
  now(): void;
  stop(): void;
}

export function drain({ queue, store, journal, onStored, onAnnotated, onTrouble }: DrainOptions): Drain {
  const waiters = new Set<{ readonly sequence: number; readonly done: () => void }>();
  let planned: NodeJS.Immediate | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing = false;
  let retryMs = 0;

  function wake(): void {
    if (planned || timer || writing) return;
    if (journal || queue.records + queue.annotations >= BATCH || waiters.size > 0) planned = setImmediate(begin);
    else timer = setTimeout(begin, LINGER_MS);
  }

  function begin(): void {
    planned = undefined;
    clearTimeout(timer);
    timer = undefined;
    const entries = queue.take(journal ? SLICE : BATCH);
    if (entries.length === 0) return;
    if (journal && entries[0]?.snapshot) {
      goOn(writeToJournal(journal, entries));
      return;
    }
    writing = true;
    void send(entries).then((pauseMs) => {
      writing = false;
      goOn(pauseMs);
    });
  }

  /** Plans what comes next: at once, or after a pause. */
  function goOn(pauseMs: number): void {
    tellWaiters();
    if (queue.records + queue.annotations === 0) return;
    // A pause does not keep a process alive that has nothing else to do: it could be for ever.
    if (pauseMs > 0) timer = setTimeout(begin, pauseMs).unref();
    else wake();
  }

  function writeToJournal(journaled: JournaledStore, entries: readonly Captured[]): number {
    const started = performance.now();
    const { statuses, error } = journaled.appendSync(records(entries), { newIds: allNew(entries) });
    queue.settle(statuses.length);
    if (statuses.length > 0) onStored(statuses);
    if (error) return failed(error);
    const slow = performance.now() - started > SLOW_WRITE_MS;
    worked();
    return slow && waiters.size === 0 ? SLOW_PAUSE_MS : 0;
  }

  async function send(entries: readonly Captured[]): Promise<number> {
    try {
      if (entries[0]?.snapshot) {
        const statuses = await store.append(records(entries));
        queue.settle(entries.length);
        onStored(statuses);
      } else {
        const statuses = await store.annotate(annotations(entries));
        queue.settle(entries.length);
        const known = statuses.filter((status) => status === "stored").length;
        onAnnotated(known, statuses.length - known);
      }
      worked();
      return 0;
    } catch (cause) {
      return failed(
        StoreError.isInstance(cause) ? cause : new StoreError("STORE_UNAVAILABLE", String(cause), { cause }),
      );
    }
  }

  function worked(): void {
    if (retryMs > 0) onTrouble(null);
    retryMs = 0;
  }

  function failed(error: StoreError): number {
    onTrouble(error);
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
      await Promise.race([
        new Promise<void>((done) => {
          waiters.add({ sequence, done });
          hurry();
        }),
        sleep(timeoutMs, undefined, { signal: timedOut.signal }).catch(() => undefined),
      ]);
      timedOut.abort();
    },

    now() {
      if (!journal) return;
      for (let entries = queue.take(BATCH); entries.length > 0; entries = queue.take(BATCH)) {
        if (!entries[0]?.snapshot) {
          // A journal has written them before it returns its promise.
          journal.annotate(annotations(entries)).catch(() => undefined);
          queue.settle(entries.length);
          continue;
        }
        const { statuses, error } = journal.appendSync(records(entries), { newIds: allNew(entries) });
        queue.settle(statuses.length);
        if (statuses.length > 0) onStored(statuses);
        if (error) return;
      }
    },

    stop() {
      clearTimeout(timer);
      clearImmediate(planned);
      planned = undefined;
      timer = undefined;
    },
  };
}

const records = (entries: readonly Captured[]) =>
  entries.flatMap(({ snapshot }) => (snapshot ? toInteraction(snapshot) : []));
const annotations = (entries: readonly Captured[]) => entries.flatMap(({ annotation }) => annotation ?? []);
const allNew = (entries: readonly Captured[]) => entries.every(({ snapshot }) => snapshot?.newId);
