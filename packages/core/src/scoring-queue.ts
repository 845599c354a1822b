/** Work that several processes share: each id is with one worker, and a worker that falls silent loses its ids. */
export interface ScoringQueue {
  /** True while this worker is the one that fills the queue. Ask again within a few seconds to stay it. */
  lead(): Promise<boolean>;
  /** How many ids wait or are being worked on. */
  size(): Promise<number>;
  /** Adds the ids that are not in the queue yet. */
  offer(interactionIds: readonly string[]): Promise<void>;
  /** Claims at most so many: what silent workers left, then what nobody has taken. */
  take(most: number): Promise<readonly string[]>;
  /** Says that these are still being worked on. */
  renew(interactionIds: readonly string[]): Promise<void>;
  /** Takes them out of the queue. */
  done(interactionIds: readonly string[]): Promise<void>;
  /** Gives up the lead and what is claimed. */
  close(): Promise<void>;
  /** How long a worker may be silent. */
  readonly leaseMs: number;
}
