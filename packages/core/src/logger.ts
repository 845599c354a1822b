import type { Feedback } from "./annotation.js";
import type { InteractionInput } from "./interaction.js";

/** Why something that was offered is not stored. */
export type DropReason =
  | "queueFull"
  | "closed"
  | "invalid"
  | "unreadable"
  | "storeRejected"
  | "unknownInteraction"
  | "exit";

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
  /** Bytes that the queue holds, about. */
  readonly queuedBytes: number;
  /** Written to the local spool, not yet in a remote store. */
  readonly spooled: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
}

export interface FlushReport {
  readonly stored: number;
  readonly pending: number;
  readonly dropped: number;
}

export interface LoggerHealth {
  readonly status: "ok" | "degraded" | "closed";
  readonly reasons: readonly string[];
}

/** What a logger tells. A listener that throws is ignored. */
export interface LoggerEvents {
  stored: (event: { readonly count: number }) => void;
  scored: (event: { readonly interactionId: string; readonly source: string; readonly overall: number }) => void;
  dropped: (event: { readonly reason: DropReason; readonly count: number }) => void;
  degraded: (event: { readonly reason: string }) => void;
  recovered: () => void;
  storeLost: (event: { readonly reason: string }) => void;
}

export interface FlushOptions {
  /** Default 10,000. */
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
