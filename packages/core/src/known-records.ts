import type { Interaction } from "./interaction.js";
import type { AppendStatus, InteractionStore } from "./store.js";

/** What is known of the records of one `append`. */
export interface KnownOfRecords {
  /** The JSON of each in UTF-8, where it was made: a store that keeps JSON need not make it again. */
  readonly json?: readonly (Buffer | null)[];
  /** All ids were made by this process, so nobody else brings them: a store need not look for them. */
  readonly newIds?: boolean;
}

/** By the list that is handed over: one entry a batch, where one a record would keep the garbage collector busy. */
const known = new WeakMap<readonly Interaction[], KnownOfRecords>();

/** `append` as the spool calls it: with what it knows of the records. */
export function appendKnown(
  store: InteractionStore,
  records: readonly Interaction[],
  of: KnownOfRecords,
): Promise<AppendStatus[]> {
  known.set(records, of);
  return store.append(records);
}

/** What is known of the records that `append` got: all of their JSON, as it came with them or made now. */
export function knownOf(records: readonly Interaction[]): {
  readonly json: readonly Buffer[];
  readonly newIds: boolean;
} {
  const { json, newIds = false } = known.get(records) ?? {};
  return { json: records.map((record, i) => json?.[i] ?? Buffer.from(JSON.stringify(record))), newIds };
}
