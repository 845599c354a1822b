import type { Interaction } from "./interaction.js";
import type { AppendStatus, InteractionStore } from "./store.js";

/** By the list that is handed over: one entry a batch, where one a record would keep the garbage collector busy. */
const known = new WeakMap<readonly Interaction[], readonly (Buffer | null)[]>();

/** `append` of records whose JSON is known, from the spool for one: a store that keeps JSON need not make it again. */
export function appendSerialised(
  store: InteractionStore,
  records: readonly Interaction[],
  json: readonly (Buffer | null)[],
): Promise<AppendStatus[]> {
  known.set(records, json);
  return store.append(records);
}

/** The JSON of each record of an `append` in UTF-8: as it came with it, or made now. */
export function serialised(records: readonly Interaction[]): Buffer[] {
  const json = known.get(records);
  return records.map((record, i) => json?.[i] ?? Buffer.from(JSON.stringify(record)));
}
