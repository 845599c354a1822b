import { setTimeout as sleep } from "node:timers/promises";
import type { StoredInteraction } from "./annotation.js";
import { interactionsToScore, isScored, type ToScoreOptions } from "./interactions-to-score.js";
import type { ScoringQueue } from "./scoring-queue.js";
import type { InteractionStore } from "./store.js";

/** One interaction to score, and what to call when the result is stored, or when there is none to store. */
export interface ScoringTask {
  readonly interaction: StoredInteraction;
  settle(): void;
}

export interface SharedWorkOptions extends Omit<ToScoreOptions, "follow" | "rescore"> {
  /** How many this worker scores at once. */
  readonly concurrency: number;
}

/** More than this is not put into the queue ahead of the workers. */
const MOST_QUEUED = 2_000;
const OFFERED_AT_ONCE = 256;
/** Between two looks at a queue that was empty, and between two attempts to lead. */
const IDLE_MS = 250;
const LEAD_MS = 2_000;

/**
 * The interactions that fall to this worker, for as long as the signal does not fire. One worker at a time looks for
 * what needs a score and queues it; when it is gone another one does.
 */
export async function* sharedWork(
  store: InteractionStore,
  queue: ScoringQueue,
  source: string,
  { filter, concurrency, onConsidered, signal }: SharedWorkOptions,
): AsyncGenerator<ScoringTask, undefined> {
  const held = new Set<string>();
  let failure: unknown;
  const stop = new AbortController();
  const fail = (error: unknown) => {
    failure ??= error;
    stop.abort(error);
  };
  const onAbort = () => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const filling = fillQueue(store, queue, source, { filter, signal: stop.signal }).catch((error: unknown) => {
    if (!stop.signal.aborted) fail(error);
  });
  const renewal = setInterval(() => {
    if (held.size > 0) queue.renew([...held]).catch(fail);
  }, queue.leaseMs / 3).unref();

  const settle = (interactionId: string) => {
    held.delete(interactionId);
    // When this is lost the next worker finds a score, and takes it out then.
    queue.done([interactionId]).catch(fail);
  };

  try {
    for (;;) {
      if (failure) throw failure;
      signal.throwIfAborted();
      const ids = await queue.take(concurrency);
      for (const id of ids) held.add(id);
      for (const id of ids) {
        const interaction = await store.get(id);
        const needed = interaction !== null && !isScored(interaction, source);
        onConsidered?.(needed);
        if (needed) yield { interaction, settle: () => settle(id) };
        else settle(id);
      }
      if (ids.length === 0) await sleep(IDLE_MS, undefined, { signal: stop.signal }).catch(() => {});
    }
  } finally {
    clearInterval(renewal);
    signal.removeEventListener("abort", onAbort);
    stop.abort();
    await filling;
  }
}

async function fillQueue(
  store: InteractionStore,
  queue: ScoringQueue,
  source: string,
  { filter, signal }: Pick<SharedWorkOptions, "filter" | "signal">,
): Promise<void> {
  for (;;) {
    while (!(await queue.lead())) await sleep(LEAD_MS, undefined, { signal });
    await feed();
  }

  /** Returns when another worker leads. */
  async function feed(): Promise<void> {
    const ended = new AbortController();
    const either = AbortSignal.any([signal, ended.signal]);
    let batch: string[] = [];
    let oldest = Date.now();
    // What is found waits for company, and the lead is kept while nothing is found.
    const flush = async () => {
      const ids = batch;
      batch = [];
      while ((await queue.size()) > MOST_QUEUED) {
        if (!(await queue.lead())) return ended.abort();
        await sleep(IDLE_MS, undefined, { signal });
      }
      if (!(await queue.lead())) return ended.abort();
      if (ids.length > 0) await queue.offer(ids);
    };
    let flushing: Promise<void> = Promise.resolve();
    const timer = setInterval(() => {
      flushing = flushing.then(flush).catch(() => ended.abort());
    }, IDLE_MS).unref();
    try {
      for await (const { interactionId } of interactionsToScore(store, source, {
        filter,
        follow: true,
        signal: either,
      })) {
        if (batch.length === 0) oldest = Date.now();
        batch.push(interactionId);
        if (batch.length >= OFFERED_AT_ONCE || Date.now() - oldest > IDLE_MS) {
          flushing = flushing.then(flush);
          await flushing;
        }
      }
    } catch (error) {
      if (!ended.signal.aborted) throw error;
    } finally {
      clearInterval(timer);
      await flushing.catch(() => {});
    }
  }
}
