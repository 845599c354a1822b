/** Runs tasks, at most so many at once; the others wait in order. A task whose signal aborts stops waiting. */
export function concurrencyLimit(most: number): <T>(task: () => Promise<T>, signal?: AbortSignal) => Promise<T> {
  let running = 0;
  const waiting = new Set<() => void>();

  return async (task, signal) => {
    if (running >= most) await turn(signal);
    else running += 1;
    try {
      return await task();
    } finally {
      // The place goes to the next in line without becoming free in between.
      const [next] = waiting;
      if (next) next();
      else running -= 1;
    }
  };

  function turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onTurn = () => {
        waiting.delete(onTurn);
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = () => {
        waiting.delete(onTurn);
        reject(signal?.reason);
      };
      if (signal?.aborted) return reject(signal.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      waiting.add(onTurn);
    });
  }
}
