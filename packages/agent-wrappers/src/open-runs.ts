/** Runs that an SDK has begun and not yet ended, by its own ids. */
export interface OpenRuns<Run> {
  begin(id: string, run: Run): void;
  get(id: string | undefined): Run | undefined;
  /** Takes the run out: it is over. */
  end(id: string | undefined): Run | undefined;
}

/** Some runs are never ended, such as streams that nobody reads: past this many the oldest is given up. */
const MAX_RUNS = 1_000;

/** Holds at most 1,000 runs. `report` hears of each that is given up. */
export function openRuns<Run>(report: (error: unknown) => void): OpenRuns<Run> {
  const runs = new Map<string, Run>();
  return {
    begin(id, run) {
      runs.set(id, run);
      if (runs.size <= MAX_RUNS) return;
      for (const [oldest] of runs) {
        runs.delete(oldest);
        report(new Error(`run ${oldest} is not recorded: it has not ended, and ${MAX_RUNS} newer ones are open`));
        return;
      }
    },
    get: (id) => (id === undefined ? undefined : runs.get(id)),
    end(id) {
      if (id === undefined) return undefined;
      const run = runs.get(id);
      runs.delete(id);
      return run;
    },
  };
}
