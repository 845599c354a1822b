// Runs the generated scripts as a user would, with the real libraries on the CPU.
// `npm run test:training` takes the newest versions that the scripts declare, `-- --oldest` the oldest.
// Anything else after `--` goes to pytest.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const args = process.argv.slice(2);
const oldest = args.includes("--oldest");
const requirements = join(here, oldest ? "oldest.txt" : "newest.txt");

if (!existsSync(join(here, "../dist/index.js"))) fail("packages/trainers is not built: npm run build");
const python = ["python3.11", "python3.12", "python3.13", "python3.10", "python3"].find(
  (name) => spawnSync(name, ["-c", "import sys, venv; sys.exit(sys.version_info < (3, 10))"]).status === 0,
);
if (!python) fail("the training tests need Python 3.10 or newer with the venv module");

const venv = environment(python, requirements);
const tests = spawnSync(
  join(venv, "bin/python"),
  ["-m", "pytest", "-p", "no:cacheprovider", "--color=no", "-v", here, ...args.filter((arg) => arg !== "--oldest")],
  {
    stdio: "inherit",
    env: {
      ...process.env,
      HF_HUB_OFFLINE: "1",
      CUDA_VISIBLE_DEVICES: "",
      OMP_NUM_THREADS: "1", // for models this small more threads only wait for each other
      PYTHONDONTWRITEBYTECODE: "1",
    },
  },
);
process.exit(tests.status ?? 1);

/** The virtual environment with these packages; made once, outside the checkout, and kept for the next run. */
function environment(interpreter, list) {
  const version = run(interpreter, ["-c", "import sys; print(sys.version)"], "pipe");
  const hash = createHash("sha256").update(version).update(readFileSync(list)).digest("hex").slice(0, 16);
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "whetstone");
  const folder = join(cache, `training-venv-${hash}`);
  if (existsSync(folder)) return folder;
  console.log(`installing ${list} into ${folder}: this takes some minutes, once`);
  mkdirSync(cache, { recursive: true });
  const part = `${folder}.${process.pid}.part`;
  try {
    run(interpreter, ["-m", "venv", part], "inherit");
    run(join(part, "bin/python"), ["-m", "pip", "install", "--quiet", "-r", list], "inherit");
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

function fail(message) {
  console.error(message);
  process.exit(1);
}
