/** How much each key of a collection of texts tells: rare ones much, common ones little. */
export function inverseFrequency(texts: Iterable<Iterable<string>>): (key: string) => number {
  const holders = new Map<string, number>();
  let count = 0;
  for (const keys of texts) {
    count += 1;
    for (const key of new Set(keys)) holders.set(key, (holders.get(key) ?? 0) + 1);
  }
  return (key) => Math.log(1 + count / (1 + (holders.get(key) ?? 0)));
}

/** The cosine of the angle between two texts, each given as counts of its keys. */
export function cosine(
  one: ReadonlyMap<string, number>,
  other: ReadonlyMap<string, number>,
  weightOf: (key: string) => number,
): number {
  const value = (counts: ReadonlyMap<string, number>, key: string) => (counts.get(key) ?? 0) * weightOf(key);
  let product = 0;
  for (const key of one.keys()) product += value(one, key) * value(other, key);
  const length = (counts: ReadonlyMap<string, number>) =>
    Math.hypot(...[...counts.keys()].map((key) => value(counts, key)));
  return product === 0 ? 0 : product / (length(one) * length(other));
}
