// The virtual environment with the packages of the training scripts, for their tests and for the example that trains.
// `node python-environment.mjs` makes it where it is missing, and prints the path of its interpreter.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(pythonWith("newest.txt"));

/** The interpreter of an environment with these packages; made once, outside the checkout, and kept for the next run. */
export function pythonWith(list) {
  const python = ["python3.11", "python3.12", "python3.13", "python3.10", "python3"].find(
    (name) => spawnSync(name, ["-c", "import sys, venv; sys.exit(sys.version_info < (3, 10))"]).status === 0,
  );
  if (!python) fail("training needs Python 3.10 or newer with the venv module");
  return join(environment(python, join(here, list)), "bin/python");
}

function environment(interpreter, list) {
  const version = run(interpreter, ["-c", "import sys; print(sys.version)"], "pipe");
  const hash = createHash("sha256").update(version).update(readFileSync(list)).digest("hex").slice(0, 16);
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "whetstone");
  const folder = join(cache, `training-venv-${hash}`);
  if (existsSync(folder)) return folder;
  console.error(`installing ${list} into ${folder}: this takes some minutes, once`);
  mkdirSync(cache, { recursive: true });
  const part = `${folder}.${process.pid}.part`;
  try {
    run(interpreter, ["-m", "venv", part], ["ignore", 2, 2]);
    run(join(part, "bin/python"), ["-m", "pip", "install", "--quiet", "-r", list], ["ignore", 2, 2]);
    // Whoever is first wins; an environment is only ever called as `bin/python -m`, so it may be moved.
    if (!existsSync(folder)) renameSync(part, folder);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
  return folder;
}

function run(command, args, stdio) {
  const { status, stdout, error } = spawnSync(command, args, { stdio, encoding: "utf8" });
  if (status !== 0)
    fail(`${command} ${args.join(" ")} failed${error ? `: ${error.message}` : ` with status ${status}`}`);
  return stdout ?? "";
}

export function fail(message) {
  console.error(message);
  process.exit(1);
}
