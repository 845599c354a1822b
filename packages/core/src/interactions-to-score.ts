import { setTimeout as sleep } from "node:timers/promises";
import { effectiveScore, type StoredInteraction, sourceRank } from "./annotation.js";
import { cursorAfter, type InteractionFilter, type InteractionStore } from "./store.js";

export interface ToScoreOptions {
  readonly filter?: InteractionFilter | undefined;
  /** Also what a source of at least this rank has scored already. */
  readonly rescore?: boolean | undefined;
  /** Goes on with what comes, until the signal fires. */
  readonly follow?: boolean | undefined;
  /** Hears of each one that is looked at, and whether it needs no score. */
  readonly onConsidered?: ((needed: boolean) => void) | undefined;
  readonly signal: AbortSignal;
}

/** Between two looks at a store that had nothing new. */
const POLL_MS = 1_000;
/** What came late under an older timestamp, and what failed, is found by a look at everything, so often. */
const WHOLE_PASS_MS = 15 * 60_000;

/**
 * The interactions that a source should score: those without a score of its rank. While following, one that this source
 * failed on is tried again after a quarter of an hour.
 */
export async function* interactionsToScore(
  store: InteractionStore,
  source: string,
  { filter, rescore = false, follow = false, onConsidered, signal }: ToScoreOptions,
): AsyncGenerator<StoredInteraction, undefined> {
  let cursor: string | undefined;
  let passStarted = Date.now();
  for (;;) {
    let last: StoredInteraction | undefined;
    for await (const batch of readAhead(store.query({ ...filter, cursor, signal }))) {
      for (const interaction of batch) {
        const needed = (rescore || !isScored(interaction, source)) && !(follow && failedLately(interaction, source));
        onConsidered?.(needed);
        if (needed) yield interaction;
      }
      last = batch.at(-1);
    }
    if (!follow) return;
    if (last) cursor = cursorAfter(last);
    await sleep(POLL_MS, undefined, { signal, ref: false }).catch(() => signal.throwIfAborted());
    if (Date.now() - passStarted < WHOLE_PASS_MS) continue;
    cursor = undefined;
    passStarted = Date.now();
  }
}

/**
 * Reads one batch while the one before is handed out, so that nobody waits for the store. It begins in the next turn of
 * the event loop, for a store on the disk may keep this one to itself while it reads.
 */
async function* readAhead<T>(batches: AsyncIterable<T>): AsyncGenerator<T, undefined> {
  const reader = batches[Symbol.asyncIterator]();
  try {
    for (let next = reader.next(); ; ) {
      const { value, done } = await next;
      if (done) return;
      next = new Promise((resume) => setImmediate(resume)).then(() => reader.next());
      next.catch(() => {}); // it is met when its turn comes, or nobody is left to meet it
      yield value;
    }
  } finally {
    await reader.return?.();
  }
}

/** Whether a source of the same or a higher rank has scored it. */
export function isScored(interaction: StoredInteraction, source: string): boolean {
  const decided = effectiveScore(interaction);
  return decided !== null && sourceRank(decided.source) >= sourceRank(source);
}

function failedLately({ annotations = [] }: StoredInteraction, source: string): boolean {
  const since = Date.now() - WHOLE_PASS_MS;
  return annotations.some((said) => said.kind === "unscored" && said.source === source && said.at > since);
}
