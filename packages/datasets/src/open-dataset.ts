import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "@whetstone/core";
import { dataLines } from "./data-lines.js";

/** A dataset that was written before. */
export interface OpenDataset {
  readonly kind: string | null;
  /** As the manifest has them; empty without one. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly files: readonly string[];
}

export interface JsonRow {
  readonly row: Readonly<Record<string, unknown>>;
  readonly line: string;
}

/** Looks at a `.jsonl` file, or at a folder that a build wrote. @throws ConfigError for anything else */
export async function openDataset(path: string): Promise<OpenDataset> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile()) return { kind: null, options: {}, files: [path] };
  const text = await readFile(join(path, "manifest.json"), "utf8").catch(() => null);
  if (text === null) throw new ConfigError(`${path} is no dataset: name a .jsonl file, or a folder that a build wrote`);
  try {
    const { kind, options, files } = JSON.parse(text);
    return { kind, options: options ?? {}, files: Object.keys(files).map((name) => join(path, name)) };
  } catch (cause) {
    throw new ConfigError(`${join(path, "manifest.json")} is none of ours: name a folder that a build wrote`, {
      cause,
    });
  }
}

/** The rows of a file, one at a time. @throws ConfigError at a line that is no row, or for a file that cannot be read */
export async function* jsonRows(file: string): AsyncGenerator<JsonRow> {
  for await (const { text, number } of dataLines({ path: file })) {
    const line = text ?? "";
    yield { row: parsedRow(line, file, number), line };
  }
}

function parsedRow(line: string, file: string, number: number): Readonly<Record<string, unknown>> {
  try {
    const row: unknown = JSON.parse(line);
    if (typeof row === "object" && row !== null) return row as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new ConfigError(`${file} has no row in line ${number}: a dataset is JSON lines`);
}
