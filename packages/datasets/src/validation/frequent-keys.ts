/** Finds what is most frequent in a stream, in constant memory. */
export interface FrequentKeys {
  add(key: string): void;
  /** The most frequent key and how often it came, at least; null when nothing was added. */
  top(): { readonly key: string; readonly count: number } | null;
}

/** A key with more than a sixty-fourth of all cases is surely found. */
const KEPT = 64;

/** Misra and Gries 1982, "Finding repeated elements". */
export function frequentKeys(): FrequentKeys {
  const counts = new Map<string, number>();
  return {
    add(key) {
      const count = counts.get(key);
      if (count !== undefined || counts.size < KEPT) {
        counts.set(key, (count ?? 0) + 1);
        return;
      }
      for (const [other, left] of counts) {
        if (left === 1) counts.delete(other);
        else counts.set(other, left - 1);
      }
    },
    top() {
      let best: { key: string; count: number } | null = null;
      for (const [key, count] of counts) if (!best || count > best.count) best = { key, count };
      return best;
    },
  };
}
