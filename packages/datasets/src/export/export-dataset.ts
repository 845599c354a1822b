import { mkdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ConfigError, DatasetError } from "@whetstone/core";
import { type Columns, columnTypes, MANIFEST_FORMAT, renderCard } from "../dataset-card.js";
import { fileOutput, type Output, placeFolder, writeText } from "../dataset-output.js";
import { checkTarget, datasetTarget, type Target } from "../dataset-target.js";
import { createJsonl, type FileSummary, type JsonlFile, saying, temporaryName } from "../jsonl-file.js";
import { jsonRows, openDataset } from "../open-dataset.js";
import { axolotlConfig, axolotlRow } from "./axolotl.js";
import type { Exported, ExportFacts, LeftOut } from "./export-formats.js";
import { type SourceRow, sourceRow } from "./export-source.js";
import { type HostedService, hostedRow, LEAST_ROWS } from "./hosted-rows.js";
import { llamaFactoryConfig, llamaFactoryInfo, llamaFactoryRow } from "./llama-factory.js";
import { writeParquet } from "./parquet-export.js";

/** Where a dataset can go: a service that trains on files, a training framework, or Parquet. */
export type ExportTarget = HostedService | "axolotl" | "llama-factory" | "parquet";

export interface ExportOptions {
  readonly to: ExportTarget;
  /** Replaces a file, or a folder that holds nothing but an earlier dataset or export. Default false. */
  readonly overwrite?: boolean | undefined;
  /** Axolotl and LLaMA-Factory: the base model that the settings name. Default `Qwen/Qwen3-0.6B`. */
  readonly model?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ExportedDataset {
  /** Absolute. */
  readonly path: string;
  readonly rows: number;
  readonly files: Readonly<Record<string, FileSummary>>;
  /** Rows that the target does not take, by reason. */
  readonly leftOut: Readonly<Partial<Record<LeftOut, number>>>;
  /** What a reader should know, such as that a service wants more rows. */
  readonly warnings: readonly string[];
}

const HOSTED: readonly string[] = Object.keys(LEAST_ROWS);

/** Everything that `to` may be. */
export const EXPORT_TARGETS: readonly ExportTarget[] = [
  ...(["together", "fireworks", "azure"] as const),
  ...(["axolotl", "llama-factory", "parquet"] as const),
];

/**
 * Writes a dataset, a folder or a `.jsonl` file, in the form that a service or a framework takes. `out` is a folder, or
 * for one file of a service a `.jsonl` file; it appears complete or not at all.
 * @throws ConfigError for a dataset that the target has no form for
 * @throws DatasetError DATASET_EMPTY when it takes no row
 */
export async function exportDataset(
  path: string,
  out: string,
  { to, overwrite = false, model = "Qwen/Qwen3-0.6B", signal }: ExportOptions,
): Promise<ExportedDataset> {
  if (!EXPORT_TARGETS.includes(to)) throw new ConfigError(`to is "${to}": use one of ${EXPORT_TARGETS.join(", ")}`);
  const source = await openDataset(path);
  const target = datasetTarget(out, overwrite, undefined);
  if (target.isFile && (!HOSTED.includes(to) || source.files.length > 1)) {
    throw new ConfigError(`"${out}" is one file, and this export makes several: name a folder, without an ending`);
  }
  await checkTarget(target);
  if (to === "parquet") return parquetFolder(source.files, target, signal);

  const tally = createTally(to);
  if (target.isFile) return oneFile(source.files[0] ?? path, target, tally, signal);
  return inFolder(target, async (folder) => {
    const files: Record<string, FileSummary> = {};
    for (const file of source.files) {
      // A single file is for training, whatever it is called.
      const name = source.files.length > 1 ? basename(file) : "train.jsonl";
      const jsonl = await createJsonl(join(folder, name));
      await writeRows(file, jsonl, tally, signal).catch(async (error: unknown) => {
        await jsonl.abandon();
        throw error;
      });
      const written = await jsonl.finish();
      if (written.rows > 0 || name === "train.jsonl") files[name] = written;
      else await rm(join(folder, name));
    }
    if ((files["train.jsonl"]?.rows ?? 0) === 0) throw nothingToExport(path, to, tally.leftOut);
    const facts = { ...tally.facts(), name: basename(target.path), hasTest: "test.jsonl" in files, model };
    const beside = settingsFiles(to, facts, files);
    for (const [name, text] of Object.entries(beside)) await writeText(join(folder, name), text);
    await writeManifest(folder, to, files, tally.leftOut, Object.keys(beside));
    return { files, leftOut: tally.leftOut, warnings: warningsFor(to, files) };
  });
}

/** Follows what rows of a dataset are like and which have no place. */
interface Tally {
  readonly leftOut: Partial<Record<LeftOut, number>>;
  /** The row in the target's form; null where it has none. */
  convert(row: Readonly<Record<string, unknown>>): object | null;
  facts(): Pick<ExportFacts, "type" | "lossOn" | "isReward">;
}

function createTally(to: Exclude<ExportTarget, "parquet">): Tally {
  const leftOut: Partial<Record<LeftOut, number>> = {};
  let first: SourceRow | undefined;
  let isReward = false;
  return {
    leftOut,
    convert(row) {
      const source = sourceRow(row);
      if (!first && source.type === "label" && to !== "llama-factory") {
        throw new ConfigError(
          `${to} has no form for answers with labels (KTO): export SFT or DPO, or use llama-factory`,
        );
      }
      first ??= source;
      isReward ||= "margin" in row;
      const exported = formOf(source, to);
      if ("row" in exported) return exported.row;
      leftOut[exported.leftOut] = (leftOut[exported.leftOut] ?? 0) + 1;
      return null;
    },
    facts: () => ({
      type: first?.type ?? "chat",
      lossOn: first?.type === "chat" ? first.lossOn : "all",
      isReward,
    }),
  };
}

function formOf(row: SourceRow, to: Exclude<ExportTarget, "parquet">): Exported {
  if (to === "axolotl") return axolotlRow(row);
  return to === "llama-factory" ? llamaFactoryRow(row) : hostedRow(row, to);
}

async function writeRows(
  file: string,
  output: Pick<JsonlFile, "write">,
  tally: Tally,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const { row } of jsonRows(file)) {
    signal?.throwIfAborted();
    const exported = tally.convert(row);
    if (exported) await output.write([JSON.stringify(exported)]);
  }
}

async function oneFile(
  file: string,
  target: Target,
  tally: Tally,
  signal: AbortSignal | undefined,
): Promise<ExportedDataset> {
  const output: Output = await fileOutput(target);
  try {
    await writeRows(file, output, tally, signal);
    const files = await output.finish(() => ({ columns: [], files: {}, testShare: null, options: null, report: null }));
    if (rowsOf(files) === 0) throw nothingToExport(file, "it", tally.leftOut);
    await output.place();
    return { path: target.path, rows: rowsOf(files), files, leftOut: tally.leftOut, warnings: [] };
  } catch (error) {
    await output.discard();
    throw error;
  }
}

async function parquetFolder(
  files: readonly string[],
  target: Target,
  signal: AbortSignal | undefined,
): Promise<ExportedDataset> {
  return inFolder(target, async (folder) => {
    const written: Record<string, FileSummary> = {};
    let columns: Columns = [];
    for (const file of files) {
      const name = files.length > 1 ? basename(file).replace(".jsonl", ".parquet") : "train.parquet";
      for await (const { row } of jsonRows(file)) {
        columns = columnTypes(row);
        break;
      }
      if (columns.length === 0) throw nothingToExport(file, "parquet", {});
      written[name] = await writeParquet(join(folder, name), columns, jsonRows(file), signal);
    }
    // Lists stand in a column of JSON each, which the card declares.
    const declared = columns.map(([name, type]) => [name, type === "list of json" ? "json" : type] as const);
    const facts = { columns: declared, files: written, testShare: null, options: null, report: null };
    await writeText(join(folder, "README.md"), renderCard(facts));
    await writeManifest(folder, "parquet", written, {}, ["README.md"]);
    return { files: written, leftOut: {}, warnings: [] };
  });
}

/** Fills a folder under a temporary name, and gives it its own at the end. */
async function inFolder(
  { path, overwrite }: Target,
  fill: (folder: string) => Promise<Pick<ExportedDataset, "files" | "leftOut" | "warnings">>,
): Promise<ExportedDataset> {
  const temporary = temporaryName(path);
  await saying(path, mkdir(dirname(path), { recursive: true }));
  await saying(path, mkdir(temporary));
  try {
    const filled = await fill(temporary);
    await placeFolder(temporary, path, overwrite);
    return { path, rows: rowsOf(filled.files), ...filled };
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

function settingsFiles(
  to: ExportTarget,
  facts: ExportFacts,
  files: Readonly<Record<string, FileSummary>>,
): Record<string, string> {
  if (to === "llama-factory") {
    return { "dataset_info.json": llamaFactoryInfo(facts), "llama-factory.yaml": llamaFactoryConfig(facts) };
  }
  if (to !== "axolotl") return {};
  const columns: Columns =
    facts.type === "pair"
      ? [
          ["messages", "list of json"],
          ["chosen", "json"],
          ["rejected", "json"],
        ]
      : [
          ["messages", "list of json"],
          ["tools", "string"],
        ];
  const card = renderCard({ columns, files, testShare: null, options: null, report: null });
  return { "README.md": card, "axolotl.yaml": axolotlConfig(facts) };
}

async function writeManifest(
  folder: string,
  to: ExportTarget,
  files: Readonly<Record<string, FileSummary>>,
  leftOut: ExportedDataset["leftOut"],
  beside: readonly string[],
): Promise<void> {
  const manifest = { whetstone_manifest: MANIFEST_FORMAT, exported_to: to, left_out: leftOut, files, beside };
  await writeText(join(folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

function warningsFor(to: ExportTarget, files: Readonly<Record<string, FileSummary>>): string[] {
  const least = LEAST_ROWS[to as HostedService] ?? 1;
  const rows = files["train.jsonl"]?.rows ?? 0;
  return rows < least ? [`${to} takes files of ${least} rows or more, and train.jsonl has ${rows}`] : [];
}

const rowsOf = (files: Readonly<Record<string, FileSummary>>): number =>
  Object.values(files).reduce((sum, { rows }) => sum + rows, 0);

function nothingToExport(path: string, to: string, leftOut: ExportedDataset["leftOut"]): DatasetError {
  const reasons = Object.entries(leftOut).map(([reason, rows]) => `${reason} ${rows}`);
  const why = reasons.length > 0 ? `all rows are left out (${reasons.join(", ")})` : "there is no row";
  return new DatasetError("DATASET_EMPTY", `nothing of ${path} to export: ${why}; ${to} takes no row of it`);
}
