import { setMaxListeners } from "node:events";
import {
  effectiveScore,
  SCORE_SOURCE,
  type ScoreAnnotation,
  type StoredInteraction,
  sourceRank,
} from "./annotation.js";
import { ConfigError, type ErrorCode, ScoringError, WhetstoneError } from "./errors.js";
import type { Score, Scorer } from "./scorer.js";
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
  /** The scorer threw, or gave a score out of range. They stay unscored. */
  readonly failed: number;
}

export interface ScoringReport extends ScoringProgress {
  /** The first few that failed. */
  readonly failures: readonly ScoringFailure[];
}

export interface ScoringFailure {
  readonly interactionId: string;
  readonly code: ErrorCode;
  readonly reason: string;
}

/**
 * Scores what still needs it and stores the scores, with the set number of calls under way at all times and memory
 * that does not grow. A judge never overrides a verifier, a verifier does override judges, heuristics and logged
 * scores. One that fails is counted and the run goes on; a wrong option (ConfigError), a failing store or the signal
 * ends it, after the scores so far are stored.
 */
export async function scoreInteractions(
  store: InteractionStore,
  scorer: Scorer,
  { filter, concurrency = 8, limit = Infinity, rescore = false, signal, onProgress }: ScoreInteractionsOptions = {},
): Promise<ScoringReport> {
  checkOptions(scorer, concurrency, limit);
  signal?.throwIfAborted();
  const counts = { considered: 0, scored: 0, skipped: 0, unscored: 0, failed: 0 };
  const failures: ScoringFailure[] = [];
  const writer = annotationWriter(store, (interactionId) => {
    counts.scored -= 1;
    fail(interactionId, new ScoringError("SCORING_FAILED", "the interaction is no longer in the store"));
  });
  // One stop for both: the caller's signal, and the first worker that has to give up.
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // one a call under way, and each takes its own off again
  const onAbort = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const waiting = interactionsToScore();
  try {
    await Promise.all(Array.from({ length: concurrency }, () => work()));
  } finally {
    signal?.removeEventListener("abort", onAbort);
    // Closes the store's cursor; not awaited, for a hanging read would hold up the abort.
    waiting.return(undefined).catch(() => {});
    await writer.close();
  }
  onProgress?.({ ...counts });
  return { ...counts, failures };

  async function work(): Promise<void> {
    try {
      for (;;) {
        const next = await unlessAborted(waiting.next(), stop.signal);
        if (next.done) return;
        await unlessAborted(scoreOne(next.value), stop.signal);
        onProgress?.({ ...counts });
      }
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  }

  async function* interactionsToScore(): AsyncGenerator<StoredInteraction, undefined> {
    let handed = 0;
    const rank = sourceRank(scorer.source);
    for await (const batch of store.query({ ...filter, signal: stop.signal })) {
      for (const interaction of batch) {
        if (handed >= limit) return;
        counts.considered += 1;
        const decided = effectiveScore(interaction);
        if (decided && !rescore && sourceRank(decided.source) >= rank) {
          counts.skipped += 1;
          continue;
        }
        handed += 1;
        yield interaction;
      }
      // A scorer that needs no waiting would otherwise keep the event loop to itself.
      await new Promise((resume) => setImmediate(resume));
    }
  }

  async function scoreOne(interaction: StoredInteraction): Promise<void> {
    const { interactionId } = interaction;
    let score: Score | null;
    try {
      score = await scorer(interaction, { signal: stop.signal });
      if (score) checkScore(score);
    } catch (error) {
      if (ConfigError.isInstance(error) || stop.signal.aborted) throw error;
      fail(interactionId, error);
      return;
    }
    if (stop.signal.aborted) return;
    if (!score) {
      counts.unscored += 1;
      return;
    }
    counts.scored += 1;
    const { scores, rationale } = score;
    await writer.write({
      interactionId,
      kind: "score",
      source: scorer.source,
      at: Date.now(),
      scores: { ...scores },
      ...(rationale === undefined ? {} : { rationale }),
    });
  }

  function fail(interactionId: string, error: unknown): void {
    counts.failed += 1;
    if (failures.length >= MAX_FAILURES) return;
    const code = WhetstoneError.isInstance(error) ? error.code : "SCORING_FAILED";
    failures.push({ interactionId, code, reason: error instanceof Error ? error.message : String(error) });
  }
}

const MAX_FAILURES = 5;
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

function checkOptions({ source }: Scorer, concurrency: number, limit: number): void {
  if (!SCORE_SOURCE.test(source)) {
    throw new ConfigError(`the scorer's source is "${source}": use a form such as "verifier:name" or "judge:name"`);
  }
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 1000) {
    throw new ConfigError(`concurrency is ${concurrency}: use a whole number from 1 to 1000`);
  }
  if (!(limit >= 0)) throw new ConfigError(`limit is ${limit}: use a number from 0 on, or leave it out`);
}

function checkScore({ scores }: Score): void {
  if (typeof scores !== "object" || scores === null || typeof scores.overall !== "number") {
    throw new ScoringError("SCORING_FAILED", "the scorer gave no `overall`: return { scores: { overall } } or null");
  }
  for (const [name, value] of Object.entries(scores)) {
    if (typeof value !== "number" || !(value >= 0 && value <= 1)) {
      throw new ScoringError("SCORING_FAILED", `the scorer gave ${name} = ${value}: use a number from 0 to 1`);
    }
  }
}

/** Collects annotations into batches. One batch is being stored at a time, and a full one makes its writer wait. */
function annotationWriter(store: InteractionStore, onNotFound: (interactionId: string) => void) {
  let pending: ScoreAnnotation[] = [];
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
  const storeBatch = async (batch: readonly ScoreAnnotation[]) => {
    const statuses = await store.annotate(batch);
    for (const [position, status] of statuses.entries()) {
      if (status === "notFound") onNotFound(batch[position]?.interactionId ?? "");
    }
  };

  return {
    async write(annotation: ScoreAnnotation): Promise<void> {
      if (pending.push(annotation) >= WRITE_BATCH) return flush();
      timer ??= setTimeout(() => {
        // A failure stays in `storing`, where the next write or close meets it.
        flush().catch(() => {});
      }, LINGER_MS).unref();
    },
    close: flush,
  };
}
