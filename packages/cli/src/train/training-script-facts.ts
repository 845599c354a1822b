import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";

/** What a training script says of itself, without being run. */
export interface TrainingScriptFacts {
  /** The settings in its CONFIG; null in a script of another make. */
  readonly config: Readonly<Record<string, unknown>> | null;
  /** The packages that its header names (PEP 723). */
  readonly requirements: readonly string[];
}

/** A file of a dataset, as it was when the training began. */
export interface DatasetFile {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** Reads the header and the CONFIG of a script that `whetstone script` wrote, or of one that looks like it. */
export function trainingScriptFacts(script: string): TrainingScriptFacts {
  const header = /^# \/\/\/ script$([\s\S]*?)^# \/\/\/$/m.exec(script)?.[1] ?? "";
  const literal = /^CONFIG = json\.loads\(r"""\n([\s\S]*?)\n"""\)$/m.exec(script)?.[1];
  return {
    config: literal === undefined ? null : parsedObject(literal),
    requirements: [...header.matchAll(/^# {3}"(.+)",$/gm)].map(([, requirement = ""]) => requirement),
  };
}

/** The files that a script will train on, with their hashes: `train.jsonl` and `test.jsonl` of a folder, or one file. */
export async function datasetFiles(datasetPath: string, cwd: string): Promise<Readonly<Record<string, DatasetFile>>> {
  const place = resolve(cwd, datasetPath);
  const isFolder = (await stat(place).catch(() => null))?.isDirectory() === true;
  const candidates = isFolder
    ? [["train", "train.jsonl"] as const, ["test", "test.jsonl"] as const]
    : [["train", ""] as const];
  const files: Record<string, DatasetFile> = {};
  for (const [split, name] of candidates) {
    const found = await stat(join(place, name)).catch(() => null);
    if (!found?.isFile()) continue;
    const path = name ? join(datasetPath, name) : datasetPath;
    files[split] = { path, sha256: await sha256Of(join(place, name)), bytes: found.size };
  }
  return files;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

function parsedObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
