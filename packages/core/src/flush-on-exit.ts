import { drainAll } from "./drain-at-exit.js";
import type { InteractionLogger } from "./logger.js";

/**
 * Has a logger flushed when a signal ends the process, and raises the signal again afterwards, so that the exit status
 * is the one the signal gives. Opt-in, for a library has no business with signals. Returns what takes it back.
 */
export function flushOnExit(
  logger: InteractionLogger,
  {
    signals = ["SIGTERM", "SIGINT", "SIGHUP"],
    timeoutMs = 2_000,
  }: { readonly signals?: readonly NodeJS.Signals[]; readonly timeoutMs?: number } = {},
): () => void {
  const end = (signal: NodeJS.Signals) => {
    leave();
    // Where somebody else handles the signal too, ending the process is theirs to decide.
    const alone = process.listenerCount(signal) === 0;
    void logger.flush({ timeoutMs }).then(() => {
      if (!alone) return;
      drainAll(); // what the time did not suffice for
      process.kill(process.pid, signal);
    });
  };
  const leave = () => {
    for (const signal of signals) process.off(signal, end);
  };
  for (const signal of signals) process.on(signal, end);
  return leave;
}
