import type { FetchedRecord, InteractionStore } from "@whetstone/core";

/** Records a build holds at once: few enough that most of them die young, which the garbage collector rewards. */
export const SLICE = 128;

/**
 * Reads records so that each stands at the place of its ref; undefined where the record is gone. The store is asked
 * in the order of its handles, so that it can read neighbours in one go.
 */
export async function fetchRecords(
  store: InteractionStore,
  refs: Float64Array,
): Promise<(FetchedRecord | undefined)[]> {
  if (isAscending(refs)) return readAligned(store, refs);
  // Plain loops: `from` with a callback takes longer than the sort.
  const order = new Uint32Array(refs.length);
  for (let place = 0; place < order.length; place++) order[place] = place;
  order.sort((a, b) => (refs[a] as number) - (refs[b] as number));
  const sorted = new Float64Array(order.length);
  for (let i = 0; i < order.length; i++) sorted[i] = refs[order[i] as number] as number;
  const found = await readAligned(store, sorted);
  const records: (FetchedRecord | undefined)[] = new Array(refs.length);
  for (let i = 0; i < order.length; i++) records[order[i] as number] = found[i];
  return records;
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

// A store leaves what is gone out of its answer, so a short answer is asked again by halves until every gap is known.
async function readAligned(store: InteractionStore, refs: Float64Array): Promise<(FetchedRecord | undefined)[]> {
  const found: FetchedRecord[] = [];
  for await (const batch of store.fetch(refs)) for (const record of batch) found.push(record);
  if (found.length === refs.length) return found;
  if (found.length === 0) return Array.from(refs, () => undefined);
  const middle = refs.length >> 1;
  return [
    ...(await readAligned(store, refs.subarray(0, middle))),
    ...(await readAligned(store, refs.subarray(middle))),
  ];
}

function isAscending(refs: Float64Array): boolean {
  for (let i = 1; i < refs.length; i++) if ((refs[i] as number) < (refs[i - 1] as number)) return false;
  return true;
}
