/**
 * Runs work on a set of ids, and lets no two works of this process touch one id at the same time: of two records with
 * an equal id the second sees that the first is stored.
 */
export function exclusiveById(): <T>(ids: readonly string[], work: () => Promise<T>) => Promise<T> {
  const busy = new Map<string, Promise<unknown>>();
  return async (ids, work) => {
    for (let other = firstBusy(ids); other; other = firstBusy(ids)) await other;
    const done = work();
    const settled = done.catch(() => undefined);
    for (const id of ids) busy.set(id, settled);
    try {
      return await done;
    } finally {
      for (const id of ids) busy.delete(id);
    }
  };

  function firstBusy(ids: readonly string[]): Promise<unknown> | undefined {
    if (busy.size === 0) return undefined;
    for (const id of ids) {
      const other = busy.get(id);
      if (other) return other;
    }
    return undefined;
  }
}
