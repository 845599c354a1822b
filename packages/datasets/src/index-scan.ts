import type { InteractionFilter, InteractionStore } from "@whetstone/core";
import type { Tally } from "./build-report.js";
import { type CollectRules, type IndexRows, indexRowsCollector } from "./index-rows.js";

/** The first pass of every build: what the index says of the interactions that a method can take. */
export async function scanEligible(
  store: InteractionStore,
  filter: InteractionFilter,
  books: Pick<Tally, "considered" | "drop">,
  rules: CollectRules,
  signal: AbortSignal | undefined,
): Promise<IndexRows> {
  const collector = indexRowsCollector(books, rules);
  for await (const batch of store.scanIndex(filter)) {
    signal?.throwIfAborted();
    collector.add(batch);
  }
  return collector.rows();
}
