import { RequestProblem } from "./problem.js";

/** Work that is allowed to run only a few times at once. */
export interface BuildSlots {
  /** Takes a slot, or refuses with 429. The function given back frees it; calling it again does nothing. */
  take(): () => void;
  /** Aborted when the server stops: whoever builds stops too. */
  readonly stopping: AbortSignal;
  /** Stops what runs and resolves when all of it has tidied up. */
  stop(): Promise<void>;
}

export function buildSlots(limit: number): BuildSlots {
  const stopping = new AbortController();
  const waiting: (() => void)[] = [];
  let taken = 0;
  return {
    stopping: stopping.signal,
    take() {
      if (stopping.signal.aborted) throw new RequestProblem(STOPPING, { "retry-after": "5" });
      if (taken >= limit) throw new RequestProblem(busy(limit), { "retry-after": "5" });
      taken += 1;
      let isFree = false;
      return () => {
        if (isFree) return;
        isFree = true;
        taken -= 1;
        if (taken === 0) for (const resolve of waiting.splice(0)) resolve();
      };
    },
    stop() {
      stopping.abort();
      return taken === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve));
    },
  };
}

const busy = (limit: number) =>
  ({ status: 429, code: "TOO_MANY_BUILDS", detail: `${limit} builds are running already: try again later.` }) as const;

const STOPPING = { status: 503, code: "STOPPING", detail: "The server is stopping: try again in a moment." } as const;
