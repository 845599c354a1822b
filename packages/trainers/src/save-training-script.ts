import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { link, lstat, mkdir, open, rename, unlink, writeFile } from "node:fs/promises";
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
  /** Whether files that are there may be replaced; links and folders never are. Default false. */
  readonly overwrite?: boolean | undefined;
  /**
   * Makes a folder of this name beside the script and hands `write` its path. For who must not follow a link there, as
   * the default does.
   */
  readonly inFolder?: InFolder | undefined;
}

/** Does what `write` does in a folder beside the script. */
export type InFolder = (name: string, write: (folder: string) => Promise<void>) => Promise<void>;

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
  { path, overwrite = false, inFolder = folderBeside(path), ...options }: SaveTrainingScriptOptions,
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
    acceleratePaths: ACCELERATE.map((name) => join(beside("accelerate"), name)),
    servePath: beside("SERVE.md"),
    command: `uv run ${shellWord(path)}`,
  };
  const companions: [path: string, text: string][] = [
    [saved.requirementsPath, requirementsOf(script)],
    [saved.servePath, templateFile("SERVE.md")],
  ];
  if (saved.trlConfigPath !== null) companions.push([saved.trlConfigPath, trlConfig ?? ""]);
  try {
    const missing = await missingOf(companions, overwrite);
    if (await isInTheWay(path, overwrite)) throw alreadyThere(path);
    await inFolder("accelerate", async (folder) => {
      const files = ACCELERATE.map((name): [string, string] => [
        join(folder, name),
        templateFile(`accelerate/${name}`),
      ]);
      missing.push(...(await missingOf(files, overwrite)));
      await writeWhole(path, script, overwrite);
      for (const [companion, text] of missing) await writeWhole(companion, text, overwrite);
    });
  } catch (cause) {
    if (ConfigError.isInstance(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`the script cannot be written to ${quoted(path)}: ${reason}; give another path`, { cause });
  }
  return saved;
}

const ACCELERATE = ["ddp.yaml", "fsdp2.yaml", "zero3.yaml", "zero2-offload.yaml"];

const folderBeside =
  (path: string): InFolder =>
  async (name, write) => {
    const folder = join(dirname(path), name);
    await mkdir(folder, { recursive: true });
    await write(folder);
  };

/** The packages that the script's own header names, one a line. */
function requirementsOf(script: string): string {
  const header = script.slice(0, script.indexOf("# ///\n"));
  return [...header.matchAll(/^# {3}"(.+)",$/gm)].map(([, requirement]) => `${requirement}\n`).join("");
}

/** The files that do not hold their text yet. @throws ConfigError when another text may not be replaced */
async function missingOf(files: readonly [path: string, text: string][], overwrite: boolean) {
  const missing: [path: string, text: string][] = [];
  for (const [path, text] of files) {
    const isOther = await isInTheWay(path, overwrite);
    if ((await textOf(path, Buffer.byteLength(text))) === text) continue;
    if (isOther) throw alreadyThere(path);
    missing.push([path, text]);
  }
  return missing;
}

/** Whether a file is in the way. @throws Error for what is never replaced: a link, a folder, a pipe */
async function isInTheWay(path: string, overwrite: boolean): Promise<boolean> {
  const found = await lstat(path).catch(() => null);
  if (found && !found.isFile()) throw Object.assign(new Error(`${quoted(path)} is no plain file`), { code: "NO_FILE" });
  return found !== null && !overwrite;
}

/** The path is in the cause, for a caller who has another remedy to offer. */
const alreadyThere = (path: string) =>
  new ConfigError(`${quoted(path)} is already there: choose another path, or allow it with overwrite`, {
    cause: Object.assign(new Error("the file exists"), { code: "EEXIST", path }),
  });

/** The text of a plain file of so many bytes; null for anything else, which is not even waited for. */
async function textOf(path: string, bytes: number): Promise<string | null> {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(() => null);
  try {
    const found = await file?.stat();
    return file && found?.isFile() && found.size === bytes ? await file.readFile("utf8") : null;
  } finally {
    await file?.close();
  }
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
