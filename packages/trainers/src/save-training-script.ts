import { randomBytes } from "node:crypto";
import { link, lstat, mkdir, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ConfigError } from "@whetstone/core";
import { pathText } from "./config-text.js";
import { quoted } from "./quoted.js";
import type { TrainingKind } from "./training-kind.js";
import { generateTrainingScript, type TrainingScriptOptions } from "./training-script.js";

export interface SaveTrainingScriptOptions extends TrainingScriptOptions {
  /** Where to write the script, ending in `.py`. Its folder is made when it is missing. */
  readonly path: string;
  /** Whether files that are there may be replaced. Default false. */
  readonly overwrite?: boolean | undefined;
}

export interface SavedTrainingScript {
  readonly scriptPath: string;
  /** The script's requirements for pip; uv reads them from the script itself. */
  readonly requirementsPath: string;
  /** Runs the training in a shell. */
  readonly command: string;
}

/**
 * Writes a training script, and beside it `requirements.txt` with the same packages. Each file appears whole or not
 * at all, and none is replaced unless `overwrite` says so (an equal requirements.txt may stay).
 * @throws ConfigError when an option is wrong, or when there is a file already
 */
export async function saveTrainingScript(
  kind: TrainingKind,
  { path, overwrite = false, ...options }: SaveTrainingScriptOptions,
): Promise<SavedTrainingScript> {
  if (!pathText.safeParse(path).success || !basename(path).endsWith(".py")) {
    throw new ConfigError(`path is ${quoted(path)}; it has to be a path that ends in .py, such as ./train-${kind}.py`);
  }
  const script = generateTrainingScript(kind, options);
  const requirements = requirementsOf(script);
  const requirementsPath = join(dirname(path), "requirements.txt");
  try {
    await mkdir(dirname(path), { recursive: true });
    const keepRequirements = (await textOf(requirementsPath)) === requirements;
    if (!overwrite) await refuseExisting(keepRequirements ? [path] : [path, requirementsPath]);
    await writeWhole(path, script, overwrite);
    if (!keepRequirements) await writeWhole(requirementsPath, requirements, overwrite);
  } catch (cause) {
    if (ConfigError.isInstance(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`the script cannot be written to ${quoted(path)}: ${reason}; give another path`, { cause });
  }
  return { scriptPath: path, requirementsPath, command: `uv run ${shellWord(path)}` };
}

/** The packages that the script's own header names, one a line. */
function requirementsOf(script: string): string {
  const header = script.slice(0, script.indexOf("# ///\n"));
  return [...header.matchAll(/^# {3}"(.+)",$/gm)].map(([, requirement]) => `${requirement}\n`).join("");
}

async function refuseExisting(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    if (await lstat(path).catch(() => null)) throw alreadyThere(path);
  }
}

const alreadyThere = (path: string) =>
  new ConfigError(`${quoted(path)} is already there: choose another path, or allow it with overwrite`);

async function textOf(path: string): Promise<string | null> {
  return readFile(path, "utf8").catch(() => null);
}

async function writeWhole(path: string, text: string, overwrite: boolean): Promise<void> {
  const part = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.part`);
  try {
    await writeFile(part, text, { flag: "wx" });
    if (overwrite) return await rename(part, path);
    // A link, unlike a rename, fails when somebody made the file in the meantime.
    await link(part, path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") throw alreadyThere(path);
    throw cause;
  } finally {
    await unlink(part).catch(() => undefined);
  }
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
