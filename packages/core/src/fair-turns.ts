import { setImmediate as nextTurn } from "node:timers/promises";

/** A turn of the event loop costs some 50 µs when nobody waits for it: long enough for that not to matter. */
const TURN_MS = 4;

/**
 * Returns what a long loop awaits between two steps: every few milliseconds a promise that resolves after the event loop
 * has gone round, so that timers and requests come to their turn, and in between nothing.
 */
export function fairTurns(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < TURN_MS) return undefined;
    return nextTurn().then(() => {
      since = performance.now();
    });
  };
}
