import { lstat, readdir, readFile } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { ConfigError, DatasetError } from "@whetstone/core";
import { MANIFEST_FORMAT } from "./dataset-card.js";
import { saying } from "./jsonl-file.js";

/** Where a dataset goes. */
export interface Target {
  /** Absolute. */
  readonly path: string;
  /** One `.jsonl` file, or else a folder. */
  readonly isFile: boolean;
  readonly overwrite: boolean;
  readonly testShare: number | undefined;
}

/** Reads what a caller wants written where. @throws ConfigError when it makes no sense, before anything is touched */
export function datasetTarget(path: string, overwrite: boolean, testShare: number | undefined): Target {
  if (typeof path !== "string") throw new ConfigError(`the path is ${path}: name a .jsonl file or a folder to write`);
  if (path === "") throw new ConfigError("the path is empty: name a .jsonl file or a folder to write");
  const isFile = path.endsWith(".jsonl");
  const ending = extname(basename(path));
  if (!isFile && FILE_ENDINGS.has(ending.toLowerCase())) {
    const remedy = "end the name in .jsonl for one file, or without an ending for a folder";
    throw new ConfigError(`"${path}" looks like another kind of file: ${remedy}`);
  }
  if (testShare !== undefined && isFile) {
    throw new ConfigError(`testShare needs a folder: leave the ending .jsonl off "${path}", or leave testShare out`);
  }
  if (testShare !== undefined && !(testShare > 0 && testShare < 1)) {
    throw new ConfigError(`testShare is ${testShare}: use a number between 0 and 1, such as 0.1`);
  }
  return { path: resolve(path), isFile, overwrite, testShare };
}

/** Looks at what is there already. @throws DatasetError when it must not be replaced */
export async function checkTarget({ path, isFile, overwrite }: Target): Promise<void> {
  const existing = await saying(path, lstat(path).catch(orNull));
  if (!existing) return;
  if (isFile && existing.isDirectory()) throw refusal(path, "is a folder: choose another name for the file");
  if (!isFile && (await datasetFiles(path)).length === 0) return;
  if (overwrite) return;
  const what = isFile ? "is there already" : "holds a dataset already";
  throw refusal(path, `${what}: choose another path, or pass overwrite: true (--overwrite) to replace it`);
}

/** True where something stands that `writeDataset` replaces when told to: a file, or a folder with a dataset alone. */
export async function isReplaceableDataset(path: string): Promise<boolean> {
  try {
    const target = datasetTarget(path, true, undefined);
    if (target.isFile) return !(await lstat(target.path)).isDirectory();
    return (await datasetFiles(target.path)).length > 0;
  } catch {
    return false;
  }
}

/**
 * The files of the dataset that a build left in a folder, none when it is empty. Only these are ever removed, so a wrong
 * path costs nobody's files. `path` is what the folder is called in a refusal.
 * @throws DatasetError when the folder is none, or holds anything else
 */
export async function datasetFiles(folder: string, path = folder): Promise<readonly string[]> {
  const found = await saying(path, lstat(folder));
  if (found.isSymbolicLink()) throw refusal(path, "is a symbolic link: name the folder it points to");
  if (!found.isDirectory()) throw refusal(path, "is no folder: choose another path, or one that ends in .jsonl");
  const entries = await saying(path, readdir(folder, { withFileTypes: true }));
  const [first] = entries;
  if (!first) return [];
  const manifest = entries.find(({ name }) => name === MANIFEST);
  if (!manifest) {
    throw refusal(path, `holds other files and no dataset, "${first.name}" for one: choose another path`);
  }
  const ours = manifest.isFile() ? await filesOfManifest(join(folder, MANIFEST)) : null;
  if (!ours) throw refusal(path, `holds a ${MANIFEST} that no build wrote: choose another path`);
  const foreign = entries.find((entry) => !entry.isFile() || !ours.has(entry.name));
  if (foreign) {
    throw refusal(path, `holds "${foreign.name}" beside a dataset: move that away, or choose another path`);
  }
  return entries.map(({ name }) => name);
}

const MANIFEST = "manifest.json";
const CARD = "README.md";
const DATA_FILES: readonly string[] = ["train.jsonl", "test.jsonl", "train.parquet", "test.parquet"];
/** What may stand beside the rows of an export. */
const SETTINGS: readonly string[] = [CARD, "axolotl.yaml", "dataset_info.json", "llama-factory.yaml"];

// Endings that name a format. A folder called `v1.2` or `qwen2.5` is a good name.
const FILE_ENDINGS = new Set(
  [
    ...[
      "jsonl",
      "json",
      "ndjson",
      "jsonlines",
      "txt",
      "text",
      "md",
      "csv",
      "tsv",
      "parquet",
      "arrow",
      "feather",
      "yaml",
    ],
    ...["yml", "xml", "html", "xlsx", "db", "sqlite", "py", "js", "ts", "gz", "gzip", "zip", "bz2", "xz", "zst", "tar"],
    ...["tgz", "7z", "log", "pdf", "bin", "safetensors"],
  ].map((ending) => `.${ending}`),
);

/** The names that a manifest of ours accounts for; null when it is not ours. */
async function filesOfManifest(path: string): Promise<ReadonlySet<string> | null> {
  const text = await saying(path, readFile(path, "utf8"));
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof manifest !== "object" || manifest === null) return null;
  const { whetstone_manifest: format, files, beside = [CARD] } = manifest as Record<string, unknown>;
  if (format !== MANIFEST_FORMAT || typeof files !== "object" || files === null || !Array.isArray(beside)) return null;
  const data = Object.keys(files);
  const known = data.every((name) => DATA_FILES.includes(name)) && beside.every((name) => SETTINGS.includes(name));
  return known ? new Set([MANIFEST, ...beside, ...data]) : null;
}

function refusal(path: string, reason: string): DatasetError {
  return new DatasetError("DATASET_WRITE_FAILED", `${path} ${reason}`);
}

function orNull(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
