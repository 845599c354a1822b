import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CliError, systemReason } from "../cli-error.js";
import type { DatasetFile } from "./training-script-facts.js";

/** Where runs are written down, seen from where the command is started. */
export const RUNS_FOLDER = ".whetstone/runs";

/** A training run, as `run.json` in its folder holds it. Written at its start, every few seconds and at its end. */
export interface TrainingRun {
  readonly id: string;
  readonly status: "running" | "done" | "failed" | "interrupted";
  /** As given on the command line, seen from `cwd`. */
  readonly script: string;
  readonly script_sha256: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** What ran it: `uv`, or the path of an interpreter. */
  readonly python: string;
  readonly pid: number | null;
  readonly started_at: string;
  readonly ended_at: string | null;
  /** How often it was gone on with. */
  readonly resumed: number;
  readonly exit_code: number | null;
  readonly step: number | null;
  readonly steps: number | null;
  /** The last value of everything that was logged. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly dataset: Readonly<Record<string, DatasetFile>>;
  readonly output_dir: string | null;
  readonly config: Readonly<Record<string, unknown>> | null;
  /** Of Python and the libraries; empty while they are not known. */
  readonly versions: Readonly<Record<string, string>>;
  /** Of the folder it was started in; null outside a repository. */
  readonly git: { readonly revision: string; readonly dirty: boolean } | null;
  readonly whetstone: string;
}

/** Makes a folder for a run, named after its script and the time. */
export async function createRunFolder(cwd: string, scriptName: string, now: number): Promise<string> {
  const name = scriptName.replace(/\.py$/, "").replace(/[^\w.-]+/g, "-") || "run";
  const time = new Date(now).toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
  const parent = join(cwd, RUNS_FOLDER);
  await mkdir(parent, { recursive: true }).catch((error) => {
    throw new CliError("OUTPUT_UNWRITABLE", `cannot make ${parent}: ${systemReason(error)}`, { cause: error });
  });
  for (let more = ""; ; more = `-${randomBytes(2).toString("hex")}`) {
    const id = `${name}-${time}${more}`;
    try {
      await mkdir(join(parent, id));
      return id;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** Writes a run down; the file is whole at every moment. */
export async function writeRun(cwd: string, run: TrainingRun): Promise<void> {
  const path = join(cwd, RUNS_FOLDER, run.id, "run.json");
  const part = `${path}.${process.pid}.part`;
  await writeFile(part, `${JSON.stringify(run, null, 2)}\n`);
  await rename(part, path);
}

/** Reads a run. @throws when there is none of that id */
export async function readRun(cwd: string, id: string): Promise<TrainingRun> {
  const path = join(cwd, RUNS_FOLDER, id, "run.json");
  if (!/^[\w.-]+$/.test(id) || /^\.+$/.test(id)) {
    throw new CliError("USAGE", `${JSON.stringify(id)} is no run: whetstone runs lists them`);
  }
  try {
    return asItStands(JSON.parse(await readFile(path, "utf8")) as TrainingRun);
  } catch (error) {
    throw new CliError("INPUT_UNREADABLE", `there is no run ${id} in ${RUNS_FOLDER}: whetstone runs lists them`, {
      cause: error,
    });
  }
}

/** All runs, the newest first. A folder without a readable run.json is none. */
export async function listRuns(cwd: string): Promise<TrainingRun[]> {
  const names = await readdir(join(cwd, RUNS_FOLDER)).catch(() => []);
  const runs = await Promise.all(names.map((name) => readRun(cwd, name).catch(() => null)));
  return runs.filter((run) => run !== null).sort((a, b) => b.started_at.localeCompare(a.started_at));
}

/** A run whose process is gone without a word, with the machine perhaps, was interrupted. */
function asItStands(run: TrainingRun): TrainingRun {
  if (run.status !== "running" || run.pid === null) return run;
  try {
    process.kill(run.pid, 0);
    return run;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? run : { ...run, status: "interrupted" };
  }
}
