import { ConfigError, DatasetError } from "@whetstone/core";
import { type BuildReport, type DropReason, describeReport, PROMPT_DROPS } from "./build-report.js";
import { type TopContributor, topContributors } from "./contributors.js";
import { type DatasetBuild, datasetBuild } from "./dataset-build.js";
import { rowLine } from "./json-lines.js";
import { rowOrigin } from "./row-origin.js";

/** A build, and how many of its rows are taken compared with the other parts. */
export interface MixPart<Row> {
  readonly build: DatasetBuild<Row>;
  /** Above 0. With weights 3 and 1 three rows in four are of the first part. */
  readonly weight: number;
}

/**
 * Combines builds of one kind into one: their rows come interleaved in the proportion of the weights, from the first
 * row to the last. The mix ends when a part has no row left, so that no row is repeated to keep up the proportion.
 * @throws ConfigError for fewer than two parts, parts of different kinds, or a weight that is none
 */
export function mixDatasets<Row extends object>(parts: readonly MixPart<Row>[]): DatasetBuild<Row> {
  const [first] = parts;
  if (!first || parts.length < 2) throw new ConfigError(`a mix has ${parts.length} parts: give two builds or more`);
  const { kind } = first.build;
  for (const { build, weight } of parts) {
    if (build.kind !== kind) throw new ConfigError(`a mix has ${kind} and ${build.kind} parts: mix builds of one kind`);
    if (!(weight > 0 && weight < Infinity)) throw new ConfigError(`a weight is ${weight}: use a number above 0`);
  }
  const options = { mix: parts.map(({ build, weight }) => ({ weight, ...build.options })) };
  const sources: LineSource[] = [];
  let rows = 0;

  const report = (): BuildReport => mixedReport(parts, sources, rows);
  return datasetBuild(kind, options, { report }, async function* (signal) {
    for (const { build } of parts) sources.push(lineSource(build.lines(signal)));
    const firsts: string[] = [];
    for (const [i, source] of sources.entries()) {
      const line = await source.peek();
      if (line === undefined) throw emptyPart(i, parts);
      firsts.push(line);
    }
    const fill = filler(firsts.map((line) => JSON.parse(line)));
    let batch: string[] = [];
    for (;;) {
      const turn = nextPart(parts, sources);
      const line = await sources[turn]?.peek();
      if (line === undefined) break;
      sources[turn]?.take();
      rows += 1;
      if (batch.push(fill(line)) < 256) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
    await Promise.all(sources.map((source) => source.leave()));
  });
}

/** The part that lags behind its weight most; of equal ones the first. */
function nextPart(parts: readonly MixPart<object>[], sources: readonly LineSource[]): number {
  let [best, least] = [0, Infinity];
  for (const [i, { weight }] of parts.entries()) {
    const after = ((sources[i]?.taken ?? 0) + 1) / weight;
    if (after < least - 1e-9) [best, least] = [i, after];
  }
  return best;
}

interface LineSource {
  readonly taken: number;
  peek(): Promise<string | undefined>;
  take(): void;
  /** What was made and not taken. */
  left(): readonly string[];
  leave(): Promise<void>;
}

function lineSource(batches: AsyncGenerator<readonly string[], void, void>): LineSource {
  let batch: readonly string[] = [];
  let [at, taken] = [0, 0];
  return {
    get taken() {
      return taken;
    },
    async peek() {
      while (at === batch.length) {
        const next = await batches.next();
        if (next.done) return undefined;
        [batch, at] = [next.value, 0];
      }
      return batch[at];
    },
    take() {
      at += 1;
      taken += 1;
    },
    left: () => batch.slice(at),
    leave: async () => void (await batches.return()),
  };
}

/** Gives every row the columns and the metadata that the rows of some part have, null where it has none. */
function filler(firsts: readonly Row[]): (line: string) => string {
  const columns = longest(firsts.map((row) => Object.keys(row)));
  const fields = longest(firsts.map(({ metadata }) => Object.keys(metadata ?? {})));
  const isUniform = firsts.every(
    (row) => Object.keys(row).length === columns.length && Object.keys(row.metadata ?? {}).length === fields.length,
  );
  if (isUniform) return (line) => line;
  const filled = (names: readonly string[], values: Row) =>
    Object.fromEntries(names.map((name) => [name, values[name] ?? null]));
  return (line) => {
    const row: Row = JSON.parse(line);
    return rowLine({ ...filled(columns, row), metadata: filled(fields, row.metadata ?? {}) });
  };
}

type Row = Readonly<Record<string, unknown>> & { readonly metadata?: Readonly<Record<string, unknown>> };

const longest = (lists: readonly (readonly string[])[]): readonly string[] =>
  lists.reduce((long, list) => (list.length > long.length ? list : long), []);

function emptyPart(i: number, parts: readonly MixPart<object>[]): DatasetError {
  const report = parts[i]?.build.report;
  const reason = report ? describeReport(report) : "it was not built";
  return new DatasetError("DATASET_EMPTY", `part ${i + 1} of the mix has no row: ${reason}`);
}

/** The parts' books in one, less what they had ready when the mix ended. */
function mixedReport(parts: readonly MixPart<object>[], sources: readonly LineSource[], rows: number): BuildReport {
  const reports = parts.map(({ build }) => build.report);
  const origins = sources.flatMap((source) => source.left()).map((line) => rowOrigin(JSON.parse(line)));
  const sum = (count: (report: BuildReport) => number) => reports.reduce((all, report) => all + count(report), 0);
  const [first] = reports as [BuildReport];
  const drops = added(reports.map((report) => report.drops)) as Record<DropReason, number>;
  const isGrouped = first.prompts !== null;
  const prompts = sum((report) => report.prompts ?? 0);
  const promptsUsed = sum((report) => report.promptsUsed ?? 0) - origins.length;
  if (isGrouped) {
    // Of the parts that did not run out some prompts were not looked at any more.
    drops.overLimit = 0;
    drops.overLimit = prompts - promptsUsed - PROMPT_DROPS.reduce((all, reason) => all + drops[reason], 0);
  }
  const unneeded = origins.reduce((all, { interactionIds }) => all + interactionIds.length, 0);
  const scoreSources = added(reports.map((report) => report.scoreSources));
  for (const source of origins.flatMap((origin) => origin.scoreSources)) {
    scoreSources[source] = (scoreSources[source] ?? 0) - 1;
  }
  return {
    ...first,
    rows,
    considered: sum(({ considered }) => considered),
    used: sum(({ used }) => used) - unneeded,
    unused: sum(({ unused }) => unused) + unneeded,
    prompts: isGrouped ? prompts : null,
    promptsUsed: isGrouped ? promptsUsed : null,
    drops,
    scoreSources,
    calibrations: Object.assign({}, ...reports.map((report) => report.calibrations)),
    topContributors: topOf(reports.flatMap((report) => report.topContributors)),
  };
}

// Rows do not say whose they are, so what the parts had ready when the mix ended counts here too.
function topOf(contributors: readonly TopContributor[]): readonly TopContributor[] {
  const counts = added(contributors.map(({ userId, interactions }) => ({ [userId]: interactions })));
  return topContributors(Object.entries(counts).map(([userId, interactions]) => ({ userId, interactions })));
}

function added(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const record of counts) {
    for (const [name, count] of Object.entries(record)) all[name] = (all[name] ?? 0) + count;
  }
  return all;
}
