import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { SCORE_SOURCE, type ScoreAnnotation, type StoredInteraction, type UnscoredAnnotation } from "./annotation.js";
import { ConfigError, type ErrorCode } from "./errors.js";
import { interactionsToScore } from "./interactions-to-score.js";
import type { Scorer } from "./scorer.js";
import { scoringAttempt } from "./scoring-attempt.js";
import { type ScoringTask, sharedWork } from "./shared-work.js";
import type { InteractionFilter, InteractionStore } from "./store.js";

export interface ScoreInteractionsOptions {
  /** Which interactions are looked at. Default: all. */
  readonly filter?: InteractionFilter | undefined;
  /** How many are with the scorer at once. Default 8. */
  readonly concurrency?: number | undefined;
  /** At most so many are handed to the scorer. */
  readonly limit?: number | undefined;
  /** Scores also what a source of at least this scorer's rank has scored already. Default false. */
  readonly rescore?: boolean | undefined;
  /**
   * Goes on with what comes, until the signal fires. On a store that several machines share (Redis) all processes that
   * follow with the same scorer share the work; elsewhere follow in one process only.
   */
  readonly follow?: boolean | undefined;
  /** How long the work of a process that was killed waits before another one takes it over. Default 60,000. */
  readonly leaseMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after every interaction; throttle it where it draws something. */
  readonly onProgress?: ((progress: ScoringProgress) => void) | undefined;
}

export interface ScoringProgress {
  /** Looked at so far: the sum of the others and of those still with the scorer. */
  readonly considered: number;
  /** Scored, and the score is stored or about to be. */
  readonly scored: number;
  /** Has a score of the same or a higher rank already. */
  readonly skipped: number;
  /** The scorer could not say. Unscored is not 0. */
  readonly unscored: number;
  /** The scorer threw, or gave a score out of range. They stay unscored, and each keeps the reason. */
  readonly failed: number;
  /** Model calls, and what they took: of those that the endpoint gave an account of. */
  readonly usage: ScoringUsage;
}

export interface ScoringUsage {
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** 0 where neither the endpoint nor the judge's `price` tells. */
  readonly costUsd: number;
}

export interface ScoringReport extends ScoringProgress {
  /** The first few that failed. */
  readonly failures: readonly ScoringFailure[];
  /** Why the run ended before its end: a spent budget, or an endpoint that is gone; null when it did not. */
  readonly stoppedBy: Omit<ScoringFailure, "interactionId"> | null;
}

export interface ScoringFailure {
  readonly interactionId: string;
  readonly code: ErrorCode;
  readonly reason: string;
}

/** A run of `scoreInteractions`, which loads it. */
export async function scoringRun(
  store: InteractionStore,
  scorer: Scorer,
  options: ScoreInteractionsOptions,
): Promise<ScoringReport> {
  const { filter, concurrency = 8, limit = Infinity, rescore = false, follow = false } = options;
  const { leaseMs, signal, onProgress } = options;
  checkOptions(scorer, { concurrency, limit, rescore, follow, leaseMs: leaseMs ?? 60_000 });
  signal?.throwIfAborted();
  const counts = { considered: 0, scored: 0, skipped: 0, unscored: 0, failed: 0 };
  const usage = { calls: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 };
  const failures: ScoringFailure[] = [];
  let stoppedBy: ScoringReport["stoppedBy"] = null;
  let unavailableInARow = 0;
  const writer = annotationWriter(store, ({ kind, interactionId }) => {
    if (kind === "unscored") return; // counted as failed already
    counts.scored -= 1;
    fail({ interactionId, code: "SCORING_FAILED", reason: "the interaction is no longer in the store" });
  });
  // One stop for both: the caller's signal, and the first worker that has to give up.
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // one a call under way, and each takes its own off again
  const onAbort = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const queue = follow ? await store.scoringQueue?.(scorer.source, { leaseMs }) : undefined;
  const waiting = tasks();
  try {
    await Promise.all(Array.from({ length: concurrency }, () => work()));
  } catch (error) {
    // A run that follows has no other end than its signal.
    if (!follow || !signal?.aborted) throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    // Closes the store's cursor; not awaited, for a hanging read would hold up the abort.
    waiting.return(undefined).catch(() => {});
    await writer.close();
    await queue?.close().catch(() => {});
  }
  onProgress?.(progress());
  return { ...progress(), failures, stoppedBy };

  async function work(): Promise<void> {
    try {
      for (;;) {
        const next = await unlessAborted(waiting.next(), stop.signal);
        if (next.done) return;
        await unlessAborted(score(next.value), stop.signal);
        onProgress?.(progress());
      }
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  }

  async function* tasks(): AsyncGenerator<ScoringTask, undefined> {
    const onConsidered = (needed: boolean) => {
      counts.considered += 1;
      if (!needed) counts.skipped += 1;
    };
    const looking = { filter, rescore, follow, concurrency, onConsidered, signal: stop.signal };
    const found = queue
      ? sharedWork(store, queue, scorer.source, looking)
      : unshared(interactionsToScore(store, scorer.source, looking));
    if (limit === 0) return;
    let handed = 0;
    for await (const task of found) {
      yield task;
      handed += 1;
      if (handed >= limit || stoppedBy) return;
    }
  }

  async function score({ interaction, settle }: ScoringTask): Promise<void> {
    const { result, fact, failure, calls, usage: spent } = await scoringAttempt(scorer, interaction, stop.signal);
    usage.calls += calls;
    usage.inputTokens += spent?.inputTokens ?? 0;
    usage.outputTokens += spent?.outputTokens ?? 0;
    usage.costUsd += spent?.costUsd ?? 0;
    if (stop.signal.aborted) return;
    if (result === "overBudget") {
      counts.considered -= 1;
      if (!follow) stoppedBy = failure;
      else await sleep(BUDGET_PAUSE_MS, undefined, { signal: stop.signal });
    } else if (failure) fail({ interactionId: interaction.interactionId, ...failure });
    else counts[result === "scored" ? "scored" : "unscored"] += 1;
    if (fact) await writer.write(fact, settle);
    else settle();
    if (result !== "overBudget") await heedOutage(failure);
  }

  /** Whoever is gone for all need not be tried for each: the rest is left untouched, or waits for a minute. */
  async function heedOutage(failure: ScoringReport["stoppedBy"]): Promise<void> {
    unavailableInARow = failure?.code === "SCORING_UNAVAILABLE" ? unavailableInARow + 1 : 0;
    if (!failure || unavailableInARow < Math.max(HOPELESS, concurrency)) return;
    if (follow) return sleep(OUTAGE_PAUSE_MS, undefined, { signal: stop.signal });
    const reason = `${unavailableInARow} calls in a row failed, the last time with: ${failure.reason}; the rest was not tried`;
    stoppedBy ??= { code: failure.code, reason };
  }

  function fail(failure: ScoringFailure): void {
    counts.failed += 1;
    if (failures.length < MAX_FAILURES) failures.push(failure);
  }

  function progress(): ScoringProgress {
    return { ...counts, usage: { ...usage } };
  }
}

async function* unshared(interactions: AsyncIterable<StoredInteraction>): AsyncGenerator<ScoringTask, undefined> {
  for await (const interaction of interactions) yield { interaction, settle() {} };
}

const MAX_FAILURES = 5;
/** So many calls in a row that the endpoint did not serve are no accident. */
const HOPELESS = 25;
const OUTAGE_PAUSE_MS = 60_000;
/** How long a run that follows waits for a new day when the budget is spent, before it looks again. */
const BUDGET_PAUSE_MS = 60_000;
/** Scores written at once, and how long one waits for company: what a crash can lose of them. */
const WRITE_BATCH = 64;
const LINGER_MS = 250;

/** Rejects as soon as the signal aborts. Unlike a race with one long-lived promise it leaves nothing behind. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    const done = () => signal.removeEventListener("abort", onAbort);
    work.then(resolve, reject).finally(done);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

interface CheckedOptions {
  readonly concurrency: number;
  readonly limit: number;
  readonly rescore: boolean;
  readonly follow: boolean;
  readonly leaseMs: number;
}

function checkOptions({ source }: Scorer, { concurrency, limit, rescore, follow, leaseMs }: CheckedOptions): void {
  if (!SCORE_SOURCE.test(source)) {
    throw new ConfigError(`the scorer's source is "${source}": use a form such as "verifier:name" or "judge:name"`);
  }
  if (!Number.isInteger(leaseMs) || leaseMs < 100) {
    throw new ConfigError(`leaseMs is ${leaseMs}: use a whole number from 100 on`);
  }
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 1000) {
    throw new ConfigError(`concurrency is ${concurrency}: use a whole number from 1 to 1000`);
  }
  if (!(limit >= 0)) throw new ConfigError(`limit is ${limit}: use a number from 0 on, or leave it out`);
  if (rescore && follow) throw new ConfigError("rescore and follow together would never end: use one of them");
}

type Fact = ScoreAnnotation | UnscoredAnnotation;

/** Collects annotations into batches. One is being stored while the next one fills; a full one waits for it. */
function annotationWriter(store: InteractionStore, onNotFound: (fact: Fact) => void) {
  let pending: Written[] = [];
  let storing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const batch = pending;
    pending = [];
    if (batch.length > 0) storing = storing.then(() => storeBatch(batch));
    return storing;
  };
  const storeBatch = async (batch: readonly Written[]) => {
    const statuses = await store.annotate(batch.map(({ fact }) => fact));
    for (const [position, { fact, settle }] of batch.entries()) {
      if (statuses[position] === "notFound") onNotFound(fact);
      settle();
    }
  };

  return {
    async write(fact: Fact, settle: () => void): Promise<void> {
      if (pending.push({ fact, settle }) >= WRITE_BATCH) {
        const before = storing;
        // A failure stays in `storing`, where the next write or close meets it.
        flush().catch(() => {});
        return before;
      }
      timer ??= setTimeout(() => {
        flush().catch(() => {});
      }, LINGER_MS).unref();
    },
    close: flush,
  };
}

interface Written {
  readonly fact: Fact;
  readonly settle: () => void;
}
