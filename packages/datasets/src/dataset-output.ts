import { link, mkdir, open, rename, rm, rmdir, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DatasetError } from "@whetstone/core";
import { dataFiles } from "./data-files.js";
import { type FolderFacts, renderCard, renderManifest } from "./dataset-card.js";
import { datasetFiles, type Target } from "./dataset-target.js";
import { createJsonl, type FileSummary, saying, temporaryName } from "./jsonl-file.js";

/** The finished data files by name. */
export type Files = Readonly<Record<string, FileSummary>>;

/** A dataset under its temporary name. */
export interface Output {
  write(lines: readonly string[]): Promise<void>;
  finish(facts: (files: Files) => FolderFacts): Promise<Files>;
  /** Gives it its final name. */
  place(): Promise<void>;
  discard(): Promise<void>;
}

/** One `.jsonl` file. */
export async function fileOutput({ path, overwrite }: Target): Promise<Output> {
  const temporary = temporaryName(path);
  await saying(path, mkdir(dirname(path), { recursive: true }));
  const file = await createJsonl(temporary);
  return {
    write: (lines) => file.write(lines),
    finish: async () => ({ [basename(path)]: await file.finish() }),
    async place() {
      await saying(path, overwrite ? rename(temporary, path) : renameToNew(temporary, path));
      await syncFolder(dirname(path));
    },
    async discard() {
      await file.abandon();
      await rm(temporary, { force: true });
    },
  };
}

/** A folder with train.jsonl, test.jsonl when there is a share for it, README.md and manifest.json. */
export async function folderOutput({ path, overwrite, testShare }: Target): Promise<Output> {
  const temporary = temporaryName(path);
  await saying(path, mkdir(dirname(path), { recursive: true }));
  await saying(path, mkdir(temporary));
  const discardFolder = () => rm(temporary, { recursive: true, force: true });
  const data = await dataFiles(temporary, testShare).catch(async (error: unknown) => {
    await discardFolder();
    throw error;
  });
  return {
    write: (lines) => data.write(lines),
    async finish(facts) {
      const files = await data.finish();
      for (const [name, { rows }] of Object.entries(files)) {
        if (rows === 0) throw lopsidedSplit(name, testShare ?? 0, files);
      }
      await writeText(join(temporary, "README.md"), renderCard(facts(files)));
      await writeText(join(temporary, "manifest.json"), renderManifest(facts(files)));
      await syncFolder(temporary);
      return files;
    },
    place: () => placeFolder(temporary, path, overwrite),
    async discard() {
      await data.abandon();
      await discardFolder();
    },
  };
}

/** Gives a finished folder its final name. */
export async function placeFolder(temporary: string, path: string, overwrite: boolean): Promise<void> {
  await (overwrite ? replaceFolder(temporary, path) : saying(path, rename(temporary, path)));
  await syncFolder(dirname(path));
}

function lopsidedSplit(name: string, testShare: number, files: Files): DatasetError {
  const rows = Object.values(files).reduce((sum, file) => sum + file.rows, 0);
  return new DatasetError(
    "DATASET_EMPTY",
    `testShare ${testShare} leaves ${name} without a row (prompts stay whole, and there are ${rows} rows): change the share or leave it out`,
  );
}

// A hard link fails where a file has come up meanwhile; a rename would replace it without a word.
async function renameToNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP") throw error;
    return rename(from, to); // a file system without hard links
  }
  await unlink(from);
}

async function replaceFolder(from: string, to: string): Promise<void> {
  const old = temporaryName(to);
  const hadOld = await saying(to, rename(to, old).then(isThere, isMissing));
  let files: readonly string[] = [];
  try {
    // Looked at again: the build may have taken hours, and somebody may have put something there meanwhile.
    if (hadOld) files = await datasetFiles(old, to);
    await saying(to, rename(from, to));
  } catch (error) {
    if (hadOld) await rename(old, to);
    throw error;
  }
  if (!hadOld) return;
  for (const file of files) await saying(old, unlink(join(old, file)));
  await saying(old, rmdir(old));
}

const isThere = (): boolean => true;

function isMissing(error: NodeJS.ErrnoException): boolean {
  if (error.code === "ENOENT") return false;
  throw error;
}

/** Writes a new text file and waits until the disk has it. */
export async function writeText(path: string, text: string): Promise<void> {
  const handle = await saying(path, open(path, "wx"));
  try {
    await saying(path, handle.writeFile(text));
    await saying(path, handle.sync());
  } finally {
    await handle.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  // Some systems cannot sync a folder; the files are safe by then, only the name might be lost with the power.
  const handle = await open(path, "r").catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
