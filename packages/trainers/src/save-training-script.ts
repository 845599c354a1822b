import { randomBytes } from "node:crypto";
import { link, lstat, mkdir, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ConfigError } from "@whetstone/core";
import { pathText } from "./config-text.js";
import { quoted } from "./quoted.js";
import { templateFile } from "./script-template.js";
import type { TrainingKind } from "./training-kind.js";
import { generateTrainingScript, type TrainingScriptOptions } from "./training-script.js";
import { renderTrlConfig } from "./trl-config.js";

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
  /** The same training for `trl <kind> --config`; null where TRL has no such command. */
  readonly trlConfigPath: string | null;
  /** For `accelerate launch --config_file`: one file for each way to use several GPUs. */
  readonly acceleratePaths: readonly string[];
  /** How to put the trained model behind the agent. */
  readonly servePath: string;
  /** Runs the training in a shell. */
  readonly command: string;
}

/**
 * Writes a training script and, beside it, what belongs to it: `requirements.txt` with the same packages, a file for
 * TRL's own command, `accelerate/` and SERVE.md. Each file appears whole or not at all, and none is replaced unless
 * `overwrite` says so (one that holds the same text may stay).
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
  const beside = (name: string) => join(dirname(path), name);
  const trlConfig = renderTrlConfig(kind, options, basename(path, ".py"));
  const saved: SavedTrainingScript = {
    scriptPath: path,
    requirementsPath: beside("requirements.txt"),
    trlConfigPath: trlConfig === null ? null : path.replace(/\.py$/, ".yaml"),
    acceleratePaths: ACCELERATE.map((name) => beside(name)),
    servePath: beside("SERVE.md"),
    command: `uv run ${shellWord(path)}`,
  };
  const companions: [path: string, text: string][] = [
    [saved.requirementsPath, requirementsOf(script)],
    ...ACCELERATE.map((name): [string, string] => [beside(name), templateFile(name)]),
    [saved.servePath, templateFile("SERVE.md")],
  ];
  if (saved.trlConfigPath !== null) companions.push([saved.trlConfigPath, trlConfig ?? ""]);
  try {
    const missing: typeof companions = [];
    for (const file of companions) if ((await textOf(file[0])) !== file[1]) missing.push(file);
    if (!overwrite) await refuseExisting([path, ...missing.map(([companion]) => companion)]);
    await mkdir(beside("accelerate"), { recursive: true });
    await writeWhole(path, script, overwrite);
    for (const [companion, text] of missing) await writeWhole(companion, text, overwrite);
  } catch (cause) {
    if (ConfigError.isInstance(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`the script cannot be written to ${quoted(path)}: ${reason}; give another path`, { cause });
  }
  return saved;
}

const ACCELERATE = ["ddp", "fsdp2", "zero3", "zero2-offload"].map((name) => join("accelerate", `${name}.yaml`));

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

/** The path is in the cause, for a caller who has another remedy to offer. */
const alreadyThere = (path: string) =>
  new ConfigError(`${quoted(path)} is already there: choose another path, or allow it with overwrite`, {
    cause: Object.assign(new Error("the file exists"), { code: "EEXIST", path }),
  });

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
