const drains = new Set<() => void>();

/**
 * Has `now` called when the process ends by itself, by `process.exit` or by an uncaught error. One listener serves all
 * loggers; it is no signal handler and changes neither exit code nor output. Returns what takes it back.
 */
export function drainAtExit(now: () => void): () => void {
  if (drains.size === 0) process.on("exit", drainAll);
  drains.add(now);
  return () => {
    drains.delete(now);
    if (drains.size === 0) process.off("exit", drainAll);
  };
}

/** What `drainAtExit` does at the end of a process, now: for an end that runs no exit listeners. */
export function drainAll(): void {
  for (const now of drains) {
    try {
      now();
    } catch {
      // The process is ending: one logger's trouble must not cost another its records.
    }
  }
}
