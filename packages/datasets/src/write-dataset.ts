import { ConfigError, DatasetError } from "@whetstone/core";
import { type BuildReport, describeReport } from "./build-report.js";
import type { DatasetBuild } from "./dataset-build.js";
import { columnTypes } from "./dataset-card.js";
import { type Files, fileOutput, folderOutput, type Output } from "./dataset-output.js";
import { checkTarget, datasetTarget } from "./dataset-target.js";
import { type DateTexts, dateTexts } from "./date-texts.js";
import { rowLine } from "./json-lines.js";
import type { FileSummary } from "./jsonl-file.js";

export interface WriteOptions {
  /** Replaces a file, or a folder that holds nothing but an earlier dataset. Default false. */
  readonly overwrite?: boolean | undefined;
  /** The share of prompts, between 0 and 1, whose rows go to test.jsonl. For folders only. */
  readonly testShare?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WrittenDataset {
  /** Absolute. */
  readonly path: string;
  /** Rows and bytes of all data files together. */
  readonly rows: number;
  readonly bytes: number;
  /** Hex, of the file, or of train.jsonl in a folder. */
  readonly sha256: string;
  /** The data files by name. */
  readonly files: Readonly<Record<string, FileSummary>>;
  /** The build's books; null for rows that are not a builder's. */
  readonly report: BuildReport | null;
}

/**
 * Writes rows to one `.jsonl` file, or, when the path has no such ending, to a folder with train.jsonl, a dataset card
 * and a manifest. The path appears complete or not at all, and an existing one is left alone unless `overwrite` is set;
 * a folder in which anything stands that no build wrote is never replaced.
 * @throws ConfigError for a path that looks like another kind of file
 * @throws DatasetError DATASET_EMPTY when there is no row, saying which rule removed what
 */
export async function writeDataset(
  rows: AsyncIterable<object> | Iterable<object>,
  path: string,
  { overwrite = false, testShare, signal }: WriteOptions = {},
): Promise<WrittenDataset> {
  checkRows(rows);
  const target = datasetTarget(path, overwrite, testShare);
  const build = isBuild(rows) ? rows : null;
  await checkTarget(target);

  let output: Output | undefined;
  let texts: DateTexts | undefined;
  try {
    for await (const lines of build ? build.lines(signal) : linesOf(rows)) {
      signal?.throwIfAborted();
      const [first] = lines;
      if (!first) continue;
      if (!output) {
        // Nothing is created before there is a row to write.
        texts = dateTexts(columnTypes(JSON.parse(first)));
        output = await (target.isFile ? fileOutput(target) : folderOutput(target));
      }
      texts?.add(lines);
      await output.write(lines);
    }
    signal?.throwIfAborted();
    const report = build?.report ?? null;
    if (!output) throw emptyDataset(target.path, report);
    const files = await output.finish((written) => ({
      columns: texts?.settled() ?? [],
      files: written,
      testShare: testShare ?? null,
      options: build?.options ?? null,
      report,
    }));
    signal?.throwIfAborted();
    await output.place();
    return { ...totals(files), path: target.path, files, report };
  } catch (error) {
    await output?.discard();
    throw error;
  }
}

function checkRows(rows: unknown): void {
  if (typeof rows === "string") return; // a list of letters: each is refused as a row
  if (typeof rows === "object" && rows !== null && (Symbol.asyncIterator in rows || Symbol.iterator in rows)) return;
  throw new ConfigError(`rows is ${shown(rows)}: give what a builder returns, or a list of objects`);
}

/** A value as a message shows it. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : String(value);
}

function checkColumns(names: readonly string[], expected: readonly string[]): void {
  if (names.length !== expected.length || names.some((name, i) => name !== expected[i])) {
    throw new DatasetError(
      "DATASET_INVALID_ROW",
      `a row has the columns ${names.join(", ")} and the first one ${expected.join(", ")}: give every row the same, null where empty`,
    );
  }
}

function notARow(row: unknown, count: number): DatasetError {
  const remedy = 'a row is an object, such as {"prompt": …, "completion": …}';
  return new DatasetError("DATASET_INVALID_ROW", `row ${count} is ${shown(row)}: ${remedy}`);
}

function emptyDataset(path: string, report: BuildReport | null): DatasetError {
  const reason = report ? describeReport(report) : "there was no row";
  return new DatasetError("DATASET_EMPTY", `nothing to write to ${path}: ${reason}`);
}

function totals(files: Files): Pick<WrittenDataset, "rows" | "bytes" | "sha256"> {
  const all = Object.values(files);
  return {
    rows: all.reduce((sum, file) => sum + file.rows, 0),
    bytes: all.reduce((sum, file) => sum + file.bytes, 0),
    sha256: all[0]?.sha256 ?? "",
  };
}

function isBuild(rows: AsyncIterable<object> | Iterable<object>): rows is DatasetBuild<object> {
  return typeof rows === "object" && "lines" in rows && "report" in rows;
}

/** Rows that are not a builder's, checked. */
async function* linesOf(rows: AsyncIterable<object> | Iterable<object>): AsyncGenerator<readonly string[]> {
  let batch: string[] = [];
  let count = 0;
  let expected: readonly string[] | undefined;
  for await (const row of rows) {
    count += 1;
    if (typeof row !== "object" || row === null || Array.isArray(row)) throw notARow(row, count);
    const names = Object.keys(row);
    expected ??= names;
    checkColumns(names, expected);
    if (batch.push(rowLine(row)) < 256) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
