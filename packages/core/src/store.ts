import type { Annotation, StoredInteraction } from "./annotation.js";
import type { Calibration } from "./calibration.js";
import type { StoreError } from "./errors.js";
import type { Interaction } from "./interaction.js";
import type { ScoringQueue } from "./scoring-queue.js";

/** Which interactions are meant. Everything left out means "any". */
export interface InteractionFilter {
  /** Epoch milliseconds, inclusive. */
  readonly startTime?: number | undefined;
  /** Epoch milliseconds, exclusive. */
  readonly endTime?: number | undefined;
  readonly agentTypes?: readonly string[] | undefined;
  /** The effective overall is at least this; unscored interactions are out. */
  readonly minQuality?: number | undefined;
  /** `true`: only scored ones, `false`: only unscored ones. */
  readonly scored?: boolean | undefined;
  /** Whether interactions that ended in an error are in (`include`, the default), out, or the only ones. */
  readonly errors?: "include" | "exclude" | "only" | undefined;
}

export interface QueryOptions extends InteractionFilter {
  /** By timestamp; ties keep one order of the store's own. Default `asc`. */
  readonly order?: "asc" | "desc" | undefined;
  readonly limit?: number | undefined;
  /** Goes on after the interaction that `cursorAfter` was given. */
  readonly cursor?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A slice of the store's index in columns, oldest first: what a builder needs to choose, without reading one record.
 * All columns have `length` entries. Scores are the effective ones.
 */
export interface IndexBatch {
  readonly length: number;
  /** Handles for `fetch`, good until the store is closed or cleaned up. */
  readonly refs: Float64Array;
  /** Epoch milliseconds. */
  readonly timestamps: Float64Array;
  /** NaN is unscored. */
  readonly overall: Float64Array;
  /** A 64-bit hash, as two columns, that is equal wherever `promptKey` is; compare the keys before mixing records. */
  readonly promptKeyHigh: Uint32Array;
  readonly promptKeyLow: Uint32Array;
  /** Positions in `agentTypeNames`. */
  readonly agentTypes: Uint32Array;
  /** A sum of `IndexFlag`. */
  readonly flags: Uint32Array;
  /** 64-bit hash of `groupId` as two columns; both 0 where there is none. */
  readonly groupHigh: Uint32Array;
  readonly groupLow: Uint32Array;
  /** 32-bit hashes of `userId` and `sessionId`; 0 where there is none. */
  readonly users: Uint32Array;
  readonly sessions: Uint32Array;
  /** Agent types by number. It only grows while a scan runs, so a number keeps its name. */
  readonly agentTypeNames: readonly string[];
  /** Stored lines that were found to be no record since the batch before: torn or damaged. None when left out. */
  readonly damaged?: number;
}

/** Bits of `IndexBatch.flags`. */
export const IndexFlag = {
  /** `errorOccurred` */
  error: 1,
  /** Capture cut a text or a structure short. */
  truncated: 2,
  /** Has `messages`, not only a query and an answer. */
  messages: 4,
  /** Has a `reference`. */
  reference: 8,
  /** The id does not tell the record's day: it was the caller's own. */
  foreignId: 16,
  /** Somebody gave a corrected answer. */
  demonstration: 32,
  /** The model was offered `tools`. */
  tools: 64,
} as const;

/** What became of one record of an `append`. */
export type AppendStatus = "stored" | "duplicate";

/** What became of one annotation. */
export type AnnotateStatus = "stored" | "notFound";

export interface AgentStats {
  readonly count: number;
  readonly highQualityCount: number;
  readonly errorCount: number;
  /** Mean effective overall of the scored ones; null when none is scored. */
  readonly averageQuality: number | null;
}

export interface StoreStats {
  readonly totalInteractions: number;
  /** Effective overall of at least 0.8. */
  readonly highQualityCount: number;
  readonly errorCount: number;
  readonly unscoredCount: number;
  /** Share of all interactions, 0 when there are none. */
  readonly highQualityRate: number;
  readonly errorRate: number;
  readonly agentStats: Readonly<Record<string, AgentStats>>;
}

export interface StoreHealth {
  readonly status: "ok" | "degraded" | "down";
  /** One sentence each; empty when `ok`. */
  readonly reasons: readonly string[];
  /**
   * Of a store on a server: names the data that the server holds now. When it changes, the server started again or
   * another one took over, and what it acknowledged shortly before may be gone.
   */
  readonly epoch?: string;
  /** Of a store on a server: its version, memory, eviction policy and the like, by name. */
  readonly facts?: Readonly<Record<string, string | number>>;
}

/** A record as `fetch` hands it out. */
export interface FetchedRecord {
  readonly interaction: StoredInteraction;
  /** The record as the store keeps it, one line of JSON: who copies its texts need not write them as JSON again. */
  readonly json: string;
}

/**
 * Where interactions live. Opening is lazy and happens once; after `close` every call fails with STORE_CLOSED.
 * A store of your own proves itself with `testStore` from `@whetstone/core/testing`.
 */
export interface InteractionStore {
  /** The URL that opens this store again, without secrets. */
  readonly url: string;
  /** Stores records, idempotent by id: a known id is a `duplicate`, and the first record stays. */
  append(interactions: readonly Interaction[]): Promise<AppendStatus[]>;
  /**
   * Adds late facts. A source's newest annotation of a kind replaces its older one.
   * @throws ConfigError when one of them is no annotation; then none is stored
   */
  annotate(annotations: readonly Annotation[]): Promise<AnnotateStatus[]>;
  get(interactionId: string): Promise<StoredInteraction | null>;
  /** Streams what matches in batches of at most 256. Leaving the loop early frees everything. */
  query(options?: QueryOptions): AsyncIterable<readonly StoredInteraction[]>;
  /** Streams the index of what matches, oldest first. */
  scanIndex(filter?: InteractionFilter): AsyncIterable<IndexBatch>;
  /** Reads records by the handles of `scanIndex`, in the order given. What is gone by now is left out. */
  fetch(refs: ArrayLike<number>): AsyncIterable<readonly FetchedRecord[]>;
  stats(filter?: InteractionFilter): Promise<StoreStats>;
  /** Keeps how well a scorer agrees with people; a source's newer calibration replaces its older one. */
  saveCalibration(calibration: Calibration): Promise<void>;
  /** What was saved, by source. Cleaning up leaves it. */
  calibrations(): Promise<readonly Calibration[]>;
  /** Removes all interactions of the UTC days before the day of `timestamp`, and says how many. */
  deleteBefore(timestamp: number): Promise<{ readonly removed: number }>;
  /**
   * Removes all interactions of a user, with what was said of them, and gives their ids. Takes the user id as it was
   * logged, or the pseudonym that stands in the records. What is logged while it runs may stay: run it again.
   */
  eraseUser(userId: string): Promise<{ readonly interactionIds: readonly string[] }>;
  health(): Promise<StoreHealth>;
  close(): Promise<void>;
  /** Only stores that several machines share have it: the work of one scorer, for all processes that follow with it. */
  scoringQueue?(
    source: string,
    options?: { readonly leaseMs?: number | undefined },
  ): ScoringQueue | Promise<ScoringQueue>;
}

/** A store on a server, where several machines can share the work of scoring. */
export type SharedStore = InteractionStore & Required<Pick<InteractionStore, "scoringQueue">>;

/** A store on this machine's disk: it can also take records at once, without a promise. */
export interface JournaledStore extends InteractionStore {
  /**
   * As `append`, when it returns the records are in the operating system's hands. On an error `statuses` is shorter
   * than what was given: the rest is not stored. `newIds` says that the ids were made just now, which spares a search.
   */
  appendSync(
    interactions: readonly Interaction[],
    options?: {
      readonly newIds?: boolean;
      /** How old the look at other processes' ids may be. Default 0; the logger's drain takes 250 ms. */
      readonly idsMaxAgeMs?: number;
    },
  ): { readonly statuses: AppendStatus[]; readonly error?: StoreError };
}

/** A cursor for `query`: the page that follows this interaction. */
export function cursorAfter(interaction: Pick<Interaction, "timestamp" | "interactionId">): string {
  return Buffer.from(`${interaction.timestamp} ${interaction.interactionId}`).toString("base64url");
}
