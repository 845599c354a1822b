import type { InteractionStore, StoredInteraction } from "@whetstone/core";

/** Records a build holds at once. */
export const SLICE = 1024;

/**
 * Reads records so that each stands at the place of its ref; undefined where the record is gone. A store leaves
 * those out of its answer, so a short answer is asked again by halves until every gap is known.
 */
export async function fetchRecords(
  store: InteractionStore,
  refs: Float64Array,
): Promise<(StoredInteraction | undefined)[]> {
  const found: StoredInteraction[] = [];
  for await (const batch of store.fetch(refs)) for (const record of batch) found.push(record);
  if (found.length === refs.length) return found;
  if (found.length === 0) return Array.from(refs, () => undefined);
  const middle = refs.length >> 1;
  return [
    ...(await fetchRecords(store, refs.subarray(0, middle))),
    ...(await fetchRecords(store, refs.subarray(middle))),
  ];
}

/**
 * Cuts `count` candidates, oldest first, into slices of at most `size`. When fewer rows are wanted than there are
 * candidates, the newest are tried first; those that fail are made up for from the ones before them.
 */
export function* candidateSlices(
  count: number,
  size: number,
  wanted: () => number,
): Generator<readonly [start: number, end: number]> {
  let windowEnd = count;
  while (windowEnd > 0 && wanted() > 0) {
    const windowStart = Math.max(0, windowEnd - wanted());
    for (let start = windowStart; start < windowEnd; start += size) yield [start, Math.min(start + size, windowEnd)];
    windowEnd = windowStart;
  }
}
