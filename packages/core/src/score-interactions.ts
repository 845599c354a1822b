import { setMaxListeners } from "node:events";
import {
  effectiveScore,
  SCORE_SOURCE,
  type ScoreAnnotation,
  type StoredInteraction,
  sourceRank,
  type UnscoredAnnotation,
} from "./annotation.js";
import { ConfigError, type ErrorCode, ScoringError, WhetstoneError } from "./errors.js";
import { addUsage, type Usage } from "./interaction.js";
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
  /** Why the run ended before its end, such as a spent budget; null when it did not. */
  readonly stoppedBy: Omit<ScoringFailure, "interactionId"> | null;
}

export interface ScoringFailure {
  readonly interactionId: string;
  readonly code: ErrorCode;
  readonly reason: string;
}

/**
 * Scores what still needs it and stores the scores, with the set number of calls under way at all times and memory
 * that does not grow. A judge never overrides a verifier, a verifier does override judges, heuristics and logged
 * scores. One that fails is counted, keeps the reason as an annotation and the run goes on; a spent budget ends it
 * early. A wrong option (ConfigError), a failing store or the signal rejects, after the scores so far are stored.
 */
export async function scoreInteractions(
  store: InteractionStore,
  scorer: Scorer,
  { filter, concurrency = 8, limit = Infinity, rescore = false, signal, onProgress }: ScoreInteractionsOptions = {},
): Promise<ScoringReport> {
  checkOptions(scorer, concurrency, limit);
  signal?.throwIfAborted();
  const counts = { considered: 0, scored: 0, skipped: 0, unscored: 0, failed: 0 };
  const usage = { calls: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 };
  const failures: ScoringFailure[] = [];
  let stoppedBy: ScoringReport["stoppedBy"] = null;
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
  const waiting = interactionsToScore();
  try {
    await Promise.all(Array.from({ length: concurrency }, () => work()));
  } finally {
    signal?.removeEventListener("abort", onAbort);
    // Closes the store's cursor; not awaited, for a hanging read would hold up the abort.
    waiting.return(undefined).catch(() => {});
    await writer.close();
  }
  onProgress?.(progress());
  return { ...progress(), failures, stoppedBy };

  async function work(): Promise<void> {
    try {
      for (;;) {
        const next = await unlessAborted(waiting.next(), stop.signal);
        if (next.done) return;
        await unlessAborted(scoreOne(next.value), stop.signal);
        onProgress?.(progress());
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
        if (handed >= limit || stoppedBy) return;
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
    let spent: Usage | null = null;
    const onUsage = (more: Usage) => {
      spent = addUsage(spent, more);
      usage.calls += 1;
      usage.inputTokens += more.inputTokens;
      usage.outputTokens += more.outputTokens;
      usage.costUsd += more.costUsd ?? 0;
    };
    let fact: Fact;
    const said = { interactionId, source: scorer.source };
    try {
      const score = await scorer(interaction, { signal: stop.signal, onUsage });
      if (stop.signal.aborted) return;
      if (!score) {
        counts.unscored += 1;
        return;
      }
      checkScore(score);
      const { scores, rationale } = score;
      fact = { ...said, kind: "score", at: Date.now(), scores: { ...scores }, ...(rationale && { rationale }) };
      counts.scored += 1;
    } catch (error) {
      if (ConfigError.isInstance(error) || stop.signal.aborted) throw error;
      const code = WhetstoneError.isInstance(error) ? error.code : "SCORING_FAILED";
      const reason = (error instanceof Error ? error.message : String(error)).slice(0, MAX_REASON).toWellFormed();
      if (code === "SCORING_BUDGET") {
        // It was not tried, and says nothing about this interaction.
        counts.considered -= 1;
        stoppedBy = { code, reason };
        return;
      }
      fact = { ...said, kind: "unscored", at: Date.now(), code, reason };
      fail({ interactionId, code, reason });
    }
    await writer.write(spent ? { ...fact, usage: spent } : fact);
  }

  function fail(failure: ScoringFailure): void {
    counts.failed += 1;
    if (failures.length < MAX_FAILURES) failures.push(failure);
  }

  function progress(): ScoringProgress {
    return { ...counts, usage: { ...usage } };
  }
}

const MAX_FAILURES = 5;
const MAX_REASON = 1_000;
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

type Fact = ScoreAnnotation | UnscoredAnnotation;

/** Collects annotations into batches. One batch is being stored at a time, and a full one makes its writer wait. */
function annotationWriter(store: InteractionStore, onNotFound: (fact: Fact) => void) {
  let pending: Fact[] = [];
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
  const storeBatch = async (batch: readonly Fact[]) => {
    const statuses = await store.annotate(batch);
    for (const [position, fact] of batch.entries()) if (statuses[position] === "notFound") onNotFound(fact);
  };

  return {
    async write(annotation: Fact): Promise<void> {
      if (pending.push(annotation) >= WRITE_BATCH) return flush();
      timer ??= setTimeout(() => {
        // A failure stays in `storing`, where the next write or close meets it.
        flush().catch(() => {});
      }, LINGER_MS).unref();
    },
    close: flush,
  };
}
