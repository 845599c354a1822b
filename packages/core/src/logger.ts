import type { Feedback } from "./annotation.js";
import type { BackgroundScoringStats, ScoredEvent } from "./background-scoring.js";
import type { InteractionInput } from "./interaction.js";

/**
 * Why something that was offered is not stored: `queueFull` (the limits were reached), `closed` (logged after `close`),
 * `unreadable` (no plain object, or neither query nor answer), `disabled` (`WHETSTONE_DISABLED` is set),
 * `redactionFailed` (secrets and personal data could not be taken out, and nothing is stored raw), `refused` (the store
 * takes other records, and will not take this one), `spoolLost` (the spool's folder was removed or damaged, or taken
 * over by another process, which delivers it).
 */
export type DropReason =
  | "queueFull"
  | "closed"
  | "unreadable"
  | "disabled"
  | "redactionFailed"
  | "refused"
  | "spoolLost";

/**
 * The logger's books. At every instant
 * `offered = stored + duplicate + queued + spooled + the sum of dropped`.
 */
export interface LoggerStats {
  /** Calls of `log`. */
  readonly offered: number;
  readonly stored: number;
  /** Records whose id the store had already. */
  readonly duplicate: number;
  readonly queued: number;
  /** What the queue holds in memory, about. */
  readonly queuedBytes: number;
  /** Written to the spool on this machine's disk, not yet in a remote store. */
  readonly spooled: number;
  /** Records that other processes had left in the spool and this one has stored; no part of `offered`. */
  readonly replayed: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  /** The same for calls of `feedback`; `dropped` includes those whose interaction is unknown. */
  readonly feedback: {
    readonly offered: number;
    readonly stored: number;
    /** In memory or in the spool. */
    readonly queued: number;
    readonly dropped: number;
  };
  /** Of the interactions of this logger that are scored in the background, where that is on. */
  readonly scoring?: BackgroundScoringStats;
}

/** What `flush` and `close` found, counted over the logger's whole life. */
export interface FlushReport {
  readonly stored: number;
  readonly pending: number;
  readonly dropped: number;
}

export interface LoggerHealth {
  readonly status: "ok" | "degraded" | "closed";
  /** One sentence each; empty when `ok`. */
  readonly reasons: readonly string[];
}

/** What a logger tells. A listener that throws is ignored. */
export interface LoggerEvents {
  stored: (event: { readonly count: number }) => void;
  dropped: (event: { readonly reason: DropReason; readonly count: number }) => void;
  degraded: (event: { readonly reason: string }) => void;
  recovered: () => void;
  /** Background scoring has stored a score. */
  scored: (event: ScoredEvent) => void;
  /** The store's server has started again or another took over; so many records of the last half minute are sent again. */
  storeLost: (event: { readonly resent: number }) => void;
}

export interface FlushOptions {
  /** From 0 on, `Infinity` too. Default 10,000. */
  readonly timeoutMs?: number;
}

/** Records interactions. Nothing here throws or makes the agent wait. */
export interface InteractionLogger extends AsyncDisposable {
  /** Takes one interaction and returns its id at once. Later changes to what was handed in change nothing. */
  log(input: InteractionInput): string;
  /** Records what a person said of an answer. `source` defaults to `human:user`. */
  feedback(interactionId: string, feedback: Feedback, options?: { readonly source?: string }): void;
  /** Waits until everything logged before this call is stored, or the time is up. Never rejects. */
  flush(options?: FlushOptions): Promise<FlushReport>;
  /** Flushes, then refuses what comes later (counted as `closed`). */
  close(options?: FlushOptions): Promise<FlushReport>;
  stats(): LoggerStats;
  health(): LoggerHealth;
  on<E extends keyof LoggerEvents>(event: E, listener: LoggerEvents[E]): void;
  off<E extends keyof LoggerEvents>(event: E, listener: LoggerEvents[E]): void;
}
