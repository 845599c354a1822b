import { StoreError } from "./errors.js";

const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 5_000;

/** Whatever a store threw, as a StoreError: a store is somebody's code. */
export function asStoreError(cause: unknown): StoreError {
  if (StoreError.isInstance(cause)) return cause;
  return new StoreError("STORE_UNAVAILABLE", `the store failed: ${messageOf(cause)}`, { cause });
}

/** Pauses between tries: from a tenth of a second to five, twice as long each time, until something works again. */
export function growingPause(): { next(): number; reset(): void } {
  let pauseMs = 0;
  return {
    next() {
      pauseMs = Math.min(LAST_PAUSE_MS, pauseMs === 0 ? FIRST_PAUSE_MS : pauseMs * 2);
      // Jitter, so that many processes do not come back at the same time.
      return pauseMs * (0.5 + Math.random() / 2);
    },
    reset() {
      pauseMs = 0;
    },
  };
}

function messageOf(cause: unknown): string {
  try {
    return cause instanceof Error ? cause.message : String(cause);
  } catch {
    return "for a reason that cannot be told";
  }
}
