import { lstat, readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { ConfigError, DatasetError } from "@whetstone/core";
import { type BuildReport, describeReport } from "./build-report.js";
import type { DatasetBuild } from "./dataset-build.js";
import { type ColumnType, columnTypes } from "./dataset-card.js";
import { type Files, fileOutput, folderOutput, type Output, type Target } from "./dataset-output.js";
import { type FileSummary, saying } from "./jsonl-file.js";

export interface WriteOptions {
  /** Replaces what an earlier build left at the path. Default false. */
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
 * and a manifest. The path appears complete or not at all, and an existing one is left alone unless `overwrite` is set.
 * @throws DatasetError DATASET_EMPTY when there is no row, saying which rule removed what
 */
export async function writeDataset(
  rows: AsyncIterable<object> | Iterable<object>,
  path: string,
  { overwrite = false, testShare, signal }: WriteOptions = {},
): Promise<WrittenDataset> {
  const isFile = path.endsWith(".jsonl");
  checkWriteOptions(path, isFile, testShare);
  const target: Target = { path: resolve(path), overwrite, testShare };
  const build = isBuild(rows) ? rows : null;
  await checkTarget(target, isFile);

  let output: Output | undefined;
  let columns: Columns = [];
  try {
    for await (const batch of build ? build.batches(signal) : batchesOf(rows)) {
      signal?.throwIfAborted();
      const [first] = batch;
      if (!first) continue;
      if (!output) {
        // Nothing is created before there is a row to write.
        columns = columnTypes(first);
        output = await (isFile ? fileOutput(target) : folderOutput(target));
      }
      checkColumns(batch, columns);
      await output.write(batch);
    }
    signal?.throwIfAborted();
    const report = build?.report ?? null;
    if (!output) throw emptyDataset(target.path, report);
    const files = await output.finish((written) => ({
      columns,
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

type Columns = readonly (readonly [name: string, type: ColumnType])[];

function checkWriteOptions(path: string, isFile: boolean, testShare: number | undefined): void {
  if (path === "") throw new ConfigError("the path is empty: name a .jsonl file or a folder to write");
  if (testShare === undefined) return;
  if (isFile) {
    throw new ConfigError(`testShare needs a folder: leave the ending .jsonl off "${path}", or leave testShare out`);
  }
  if (!(testShare > 0 && testShare < 1)) {
    throw new ConfigError(`testShare is ${testShare}: use a number between 0 and 1, such as 0.1`);
  }
}

async function checkTarget({ path, overwrite }: Target, isFile: boolean): Promise<void> {
  const existing = await saying(path, lstat(path).catch(orNull));
  if (!existing) return;
  const refuse = (reason: string) => new DatasetError("DATASET_WRITE_FAILED", `${path} ${reason}`);
  if (isFile) {
    if (existing.isDirectory()) throw refuse("is a folder: choose another name for the file");
    if (!overwrite) throw refuse("is there already: choose another path, or pass overwrite: true to replace it");
    return;
  }
  if (!existing.isDirectory()) throw refuse("is no folder: choose another path, or one that ends in .jsonl");
  const entries = await saying(path, readdir(path));
  if (entries.length === 0) return;
  // Only what this function made is ever replaced: a wrong path must not cost somebody's files.
  if (!entries.includes("manifest.json")) throw refuse("holds other files and no dataset: choose another path");
  if (!overwrite) throw refuse("holds a dataset already: choose another path, or pass overwrite: true to replace it");
}

function orNull(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}

function checkColumns(rows: readonly object[], columns: Columns): void {
  const expected = columns.map(([name]) => name);
  for (const row of rows) {
    const names = Object.keys(row);
    if (names.length === expected.length && names.every((name, i) => name === expected[i])) continue;
    throw new DatasetError(
      "DATASET_INVALID_ROW",
      `a row has the columns ${names.join(", ")} and the first one ${expected.join(", ")}: give every row the same, null where empty`,
    );
  }
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
  return "batches" in rows && "report" in rows;
}

async function* batchesOf(rows: AsyncIterable<object> | Iterable<object>): AsyncGenerator<readonly object[]> {
  let batch: object[] = [];
  for await (const row of rows) {
    if (batch.push(row) < 256) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
