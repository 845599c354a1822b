import { setImmediate as nextTurn } from "node:timers/promises";

/** A turn of the event loop costs some 50 µs when nobody waits for it: long enough for that not to matter. */
const TURN_MS = 4;

/**
 * Returns what a long loop awaits between two steps: it resolves at once, and every few milliseconds only after the
 * event loop has gone round, so that timers and requests come to their turn.
 */
export function fairTurns(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < TURN_MS) return;
    await nextTurn();
    since = performance.now();
  };
}
