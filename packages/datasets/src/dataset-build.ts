import { ConfigError } from "@whetstone/core";
import type { BuildReport, DatasetKind, Tally } from "./build-report.js";

/**
 * A dataset being built: an async generator of rows that carries its own books. Nothing is read before the first row
 * is asked for. It is read once; leaving the loop early frees everything.
 */
export interface DatasetBuild<Row> extends AsyncGenerator<Row, void, void> {
  readonly kind: DatasetKind;
  /** The options of the build, defaults filled in. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The books so far; final once the last row was given. */
  readonly report: BuildReport;
  /** The same rows in batches, for who has many: use this or the rows, not both. */
  batches(signal?: AbortSignal): AsyncGenerator<readonly Row[], void, void>;
}

/** Makes a build from a function that streams its rows in batches and counts into the tally. */
export function datasetBuild<Row>(
  kind: DatasetKind,
  options: Readonly<Record<string, unknown>>,
  books: Tally,
  start: (signal: AbortSignal | undefined) => AsyncGenerator<readonly Row[], void, void>,
): DatasetBuild<Row> {
  let isStarted = false;
  const batches = (signal?: AbortSignal) => {
    if (isStarted) throw new ConfigError(`this ${kind} build was read already: call the builder again for a new one`);
    isStarted = true;
    return start(signal);
  };
  async function* rows(): AsyncGenerator<Row, void, void> {
    for await (const batch of batches()) yield* batch;
  }
  return Object.defineProperties(rows(), {
    kind: { value: kind },
    options: { value: options },
    report: { get: () => books.report() },
    batches: { value: batches },
  }) as DatasetBuild<Row>;
}
