// Runs the generated scripts as a user would, with the real libraries on the CPU.
// `npm run test:training` takes the newest versions that the scripts declare, `-- --oldest` the oldest.
// Anything else after `--` goes to pytest.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fail, pythonWith } from "./python-environment.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const args = process.argv.slice(2);
const oldest = args.includes("--oldest");
const others = args.filter((arg) => arg !== "--oldest");

if (!existsSync(join(here, "../dist/index.js"))) fail("packages/trainers is not built: npm run build");
const tests = spawnSync(
  pythonWith(oldest ? "oldest.txt" : "newest.txt"),
  // At the end stands a table of what took how long.
  ["-m", "pytest", "-p", "no:cacheprovider", "--color=no", "-v", "--durations=0", "--durations-min=5", here, ...others],
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
