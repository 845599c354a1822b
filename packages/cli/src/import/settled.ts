/**
 * Waits for what a user's module promised. Where nothing is left that could settle it, Node would end the process
 * without a word: the promise is rejected with the sentence `stuck` instead. An abort ends the wait too.
 */
export async function settled<T>(work: T | PromiseLike<T>, stuck: string, signal: AbortSignal): Promise<T> {
  if (!isPromise(work)) return work;
  signal.throwIfAborted();
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason);
    // The immediate keeps the process alive until the next thing is under way.
    const onIdle = () => setImmediate(() => reject(new Error(stuck)));
    signal.addEventListener("abort", onAbort, { once: true });
    process.once("beforeExit", onIdle);
    stop = () => {
      signal.removeEventListener("abort", onAbort);
      process.off("beforeExit", onIdle);
    };
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    stop();
  }
}

function isPromise(work: unknown): work is PromiseLike<unknown> {
  return (
    (typeof work === "object" || typeof work === "function") &&
    work !== null &&
    typeof (work as { readonly then?: unknown }).then === "function"
  );
}
