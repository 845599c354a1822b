import { ConfigError, WhetstoneError } from "./errors.js";
import { isScored } from "./interactions-to-score.js";
import { scoreOne } from "./score-one.js";
import type { Scorer } from "./scorer.js";
import type { InteractionStore } from "./store.js";

export interface BackgroundScoringOptions {
  readonly scorer: Scorer;
  /** The share of interactions that are scored, drawn at random. Default 1. */
  readonly sample?: number;
  /** How many are with the scorer at once. Default 2. */
  readonly concurrency?: number;
  /** How many are handed to the scorer in a minute; the others wait. Default 60. */
  readonly maxPerMinute?: number;
  /** How many may wait; what comes then is left to `whetstone score`, and counted. Default 1,000. */
  readonly maxWaiting?: number;
}

/** The books of scoring in the background. */
export interface BackgroundScoringStats {
  readonly waiting: number;
  readonly scored: number;
  /** The scorer could not say. */
  readonly unscored: number;
  readonly failed: number;
  /** Not tried: too many waited, the record did not reach the store, or somebody else had scored it. */
  readonly skipped: number;
}

export interface ScoredEvent {
  readonly interactionId: string;
  readonly source: string;
  readonly overall: number;
}

export interface BackgroundScoring {
  /** Takes note of an interaction that is on its way to the store: one push, and it never throws. */
  offer(interactionId: string): void;
  stats(): BackgroundScoringStats;
  /** Takes no more, and waits for what is with the scorer, so long at most. */
  close(timeoutMs: number): Promise<void>;
}

/** Logging comes first: what was logged just now is looked at a little later. */
const DELAY_MS = 100;
/** Until it is tried again when the store or the budget did not allow it, or the record was not there yet. */
const RETRY_MS = 1_000;
const MINUTE_MS = 60_000;
/** A record that is not in the store by now was dropped, or lies in a spool. */
const GIVE_UP_MS = 5 * MINUTE_MS;

/**
 * Scores what a logger logs, a little later, a few at a time and no more in a minute than it may. It waits in memory, so
 * what a process leaves behind is for `whetstone score`. Nothing here keeps the process alive.
 */
export function backgroundScoring(
  store: InteractionStore,
  { scorer, sample = 1, concurrency = 2, maxPerMinute = 60, maxWaiting = 1_000 }: BackgroundScoringOptions,
  { onScored, onError }: { onScored: (event: ScoredEvent) => void; onError: (error: WhetstoneError) => void },
): BackgroundScoring {
  checkOptions({ scorer, sample, concurrency, maxPerMinute, maxWaiting });
  const waiting: { readonly id: string; readonly since: number }[] = [];
  const counts = { scored: 0, unscored: 0, failed: 0, skipped: 0 };
  const underWay = new Set<Promise<void>>();
  const stop = new AbortController();
  const minute = { start: -Infinity, used: 0 };
  let timer: NodeJS.Timeout | undefined;
  let pausedUntil = 0;
  let closed = false;

  function later(ms: number): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      pump();
    }, ms).unref();
  }

  function pump(): void {
    const now = performance.now();
    if (now - minute.start >= MINUTE_MS) Object.assign(minute, { start: now, used: 0 });
    while (!closed && waiting.length > 0 && underWay.size < concurrency) {
      const free = minute.used < maxPerMinute ? pausedUntil : minute.start + MINUTE_MS;
      if (now < free) {
        later(free - now);
        return;
      }
      const next = waiting.shift();
      if (!next) return;
      minute.used += 1;
      const attempt = score(next).catch(giveUp);
      underWay.add(attempt);
      void attempt.then(() => {
        underWay.delete(attempt);
        if (waiting.length > 0) later(0);
      });
    }
  }

  async function score(entry: (typeof waiting)[number]): Promise<void> {
    const interaction = await store.get(entry.id).catch(() => null);
    if (!interaction) return again(entry);
    if (isScored(interaction, scorer.source)) {
      counts.skipped += 1;
      return;
    }
    const { result, fact } = await scoreOne(scorer, interaction, stop.signal);
    if (result === "overBudget") return again(entry);
    if (fact) {
      const [status] = await store.annotate([fact]).catch(() => ["notFound"]);
      if (status !== "stored") return again(entry);
    }
    counts[result] += 1;
    if (fact?.kind === "score") {
      onScored({ interactionId: entry.id, source: scorer.source, overall: fact.scores.overall ?? 0 });
    }
  }

  /** Back into the line, behind the others. */
  function again(entry: (typeof waiting)[number]): void {
    minute.used -= 1;
    if (performance.now() - entry.since > GIVE_UP_MS || waiting.length >= maxWaiting) {
      counts.skipped += 1;
      return;
    }
    waiting.push(entry);
    pausedUntil = performance.now() + RETRY_MS;
  }

  /** A scorer that is set up wrongly would fail for every interaction. */
  function giveUp(error: unknown): void {
    counts.failed += 1;
    if (closed) return;
    closed = true;
    counts.skipped += waiting.splice(0).length;
    const reason = error instanceof Error ? error.message : String(error);
    onError(WhetstoneError.isInstance(error) ? error : new WhetstoneError("SCORING_FAILED", reason, { cause: error }));
  }

  return {
    offer(interactionId) {
      if (closed || (sample < 1 && Math.random() >= sample)) return;
      if (waiting.length >= maxWaiting) {
        counts.skipped += 1;
        return;
      }
      waiting.push({ id: interactionId, since: performance.now() });
      later(DELAY_MS);
    },
    stats: () => ({ waiting: waiting.length + underWay.size, ...counts }),
    async close(timeoutMs) {
      closed = true;
      clearTimeout(timer);
      counts.skipped += waiting.splice(0).length;
      let patience: NodeJS.Timeout | undefined;
      const timeUp = new Promise<void>((resolve) => {
        patience = setTimeout(resolve, Math.min(timeoutMs, MINUTE_MS));
      });
      await Promise.race([Promise.all(underWay), timeUp]);
      clearTimeout(patience);
      stop.abort(new Error("the logger is closed"));
    },
  };
}

function checkOptions({ scorer, sample, ...counts }: Required<BackgroundScoringOptions>): void {
  if (typeof scorer !== "function" || typeof scorer.source !== "string") {
    throw new ConfigError("scoring.scorer is no scorer: pass one such as llmJudge({ model })");
  }
  if (!(sample >= 0 && sample <= 1)) {
    throw new ConfigError(`scoring.sample is ${sample}: use a share from 0 to 1`);
  }
  for (const [name, value] of Object.entries(counts)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new ConfigError(`scoring.${name} is ${value}: use a whole number from 1 on`);
    }
  }
}
