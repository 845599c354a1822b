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
  /** The same rows as lines of JSON in batches, for who has many: use this or the rows, not both. */
  lines(signal?: AbortSignal): AsyncGenerator<readonly string[], void, void>;
}

/** Makes a build from a function that streams its rows as JSON in batches and counts into the tally. */
export function datasetBuild<Row>(
  kind: DatasetKind,
  options: Readonly<Record<string, unknown>>,
  books: Pick<Tally, "report">,
  start: (signal: AbortSignal | undefined) => AsyncGenerator<readonly string[], void, void>,
): DatasetBuild<Row> {
  let isStarted = false;
  const lines = (signal?: AbortSignal) => {
    if (isStarted) throw new ConfigError(`this ${kind} build was read already: call the builder again for a new one`);
    isStarted = true;
    return start(signal);
  };
  async function* rows(): AsyncGenerator<Row, void, void> {
    for await (const batch of lines()) for (const line of batch) yield JSON.parse(line) as Row;
  }
  return Object.defineProperties(rows(), {
    kind: { value: kind },
    options: { value: options },
    report: { get: () => books.report() },
    lines: { value: lines },
  }) as DatasetBuild<Row>;
}
