import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CliError, systemReason } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";

const execute = promisify(execFile);

/** How a script is started. */
export interface PythonLauncher {
  /** `uv`, or the path of the interpreter. */
  readonly name: string;
  /** What comes before the script's path. */
  readonly command: readonly string[];
  /** The versions of Python and of the script's packages, as far as they are installed by now. */
  versions(requirements: readonly string[]): Promise<Readonly<Record<string, string>>>;
}

/**
 * Finds what can run a script: the interpreter that is named, else uv, which installs what the script's header names,
 * else an environment with the same packages, made once and kept in the user's cache.
 */
export async function pythonLauncher(
  io: CliIo,
  script: { readonly path: string; readonly requirements: readonly string[] },
  options: { readonly python?: string | undefined; readonly onInstall: (folder: string) => Promise<void> },
): Promise<PythonLauncher> {
  const run = runner(io);
  if (options.python !== undefined) {
    const path = options.python;
    await run(path, ["-c", ""]).catch((error) => {
      throw new CliError("INPUT_UNREADABLE", `--python ${path} does not run: ${systemReason(error)}`, { cause: error });
    });
    return interpreter(run, path);
  }
  if (await succeeds(run("uv", ["--version"]))) {
    return {
      name: "uv",
      command: ["uv", "run"],
      async versions(requirements) {
        const { stdout } = await run("uv", ["python", "find", "--script", script.path]);
        return versionsIn(run, stdout.trim(), requirements);
      },
    };
  }
  return interpreter(run, await environmentWith(io, run, script.requirements, options.onInstall));
}

type Run = (program: string, args: readonly string[]) => Promise<{ stdout: string }>;

const runner =
  ({ cwd, env, signal }: CliIo): Run =>
  (program, args) =>
    execute(program, args, { cwd, env: { ...env }, signal, maxBuffer: 64 * 1024 * 1024 });

function interpreter(run: Run, path: string): PythonLauncher {
  return { name: path, command: [path], versions: (requirements) => versionsIn(run, path, requirements) };
}

const INTERPRETERS = ["python3.12", "python3.11", "python3.13", "python3.10", "python3"];

async function environmentWith(
  io: CliIo,
  run: Run,
  requirements: readonly string[],
  onInstall: (folder: string) => Promise<void>,
): Promise<string> {
  const python = await firstThat(INTERPRETERS, (name) =>
    succeeds(run(name, ["-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))"])),
  );
  if (python === undefined) {
    throw new CliError(
      "INPUT_UNREADABLE",
      "there is neither uv nor Python 3.10 or newer with its venv module: install uv (https://docs.astral.sh/uv), or name an interpreter with --python",
    );
  }
  const { stdout: version } = await run(python, ["-c", "import sys; print(sys.version)"]);
  const hash = createHash("sha256")
    .update(JSON.stringify([version, requirements]))
    .digest("hex")
    .slice(0, 16);
  const cache = join(io.env.XDG_CACHE_HOME || join(io.env.HOME || homedir(), ".cache"), "whetstone");
  const folder = join(cache, `train-venv-${hash}`);
  const path = join(folder, "bin/python");
  if (existsSync(folder)) return path;
  await onInstall(folder);
  const part = `${folder}.${process.pid}.part`;
  try {
    await mkdir(cache, { recursive: true });
    await run(python, ["-m", "venv", part]);
    await writeFile(join(part, "requirements.txt"), requirements.map((one) => `${one}\n`).join(""));
    if (requirements.length > 0) {
      const install = ["-m", "pip", "install", "--quiet", "-r", join(part, "requirements.txt")];
      await run(join(part, "bin/python"), install);
    }
    // The folder is there only when it is complete. It is only ever used as `bin/python`, so it may be moved.
    await rename(part, folder).catch((error) => {
      if (!existsSync(path)) throw error;
    });
  } catch (error) {
    if (io.signal.aborted) throw error;
    const reason = lastLine((error as { stderr?: string }).stderr) ?? systemReason(error);
    throw new CliError("OUTPUT_UNWRITABLE", `the packages of the script cannot be installed: ${reason}`, {
      cause: error,
    });
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return path;
}

const VERSIONS = `
import json, platform, sys
from importlib.metadata import PackageNotFoundError, version
found = {"python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))
`;

async function versionsIn(
  run: Run,
  python: string,
  requirements: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const names = requirements.map((requirement) => /^[\w.-]+/.exec(requirement)?.[0] ?? "").filter(Boolean);
  try {
    return JSON.parse((await run(python, ["-c", VERSIONS, ...names])).stdout) as Record<string, string>;
  } catch {
    return {}; // a record without versions is worth more than a training that does not begin
  }
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

async function firstThat<T>(values: readonly T[], holds: (value: T) => Promise<boolean>): Promise<T | undefined> {
  for (const value of values) if (await holds(value)) return value;
  return undefined;
}

function lastLine(text: string | undefined): string | undefined {
  return text?.trim().split("\n").at(-1)?.trim() || undefined;
}
