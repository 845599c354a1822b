import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, ScoringError } from "../../errors.js";
import type { CodeJob, CodeVerdict } from "./code-job.js";
import { PYTHON_HARNESS } from "./python-harness.js";

/** Runs Python code against tests in child processes of their own, which are gone when this returns. */
export async function runPython(job: CodeJob, python: string, signal?: AbortSignal): Promise<CodeVerdict> {
  const launcher = await launcherOf(python);
  const { timeoutMs, maxMemoryBytes, ...task } = job;
  const nonce = randomBytes(16).toString("hex");
  const limits = { cpuSeconds: Math.ceil(timeoutMs / 1000), memoryBytes: maxMemoryBytes, fileBytes: MAX_FILE_BYTES };
  const folder = await mkdtemp(join(tmpdir(), "whetstone-code-"));
  try {
    const run = await start([...launcher, "-I", "-c", PYTHON_HARNESS], {
      cwd: folder,
      input: JSON.stringify({ ...task, limits, nonce }),
      timeoutMs: timeoutMs * WALL_FACTOR,
      signal,
    });
    if (run.timedOut) return { passed: false, reason: `it did not end within ${timeoutMs} ms` };
    return reportOf(run, nonce);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A busy machine must not make a right answer wrong: the limit is on the time a process computes. */
const WALL_FACTOR = 3;
const MAX_FILE_BYTES = 8 << 20;
const MAX_OUTPUT = 1 << 16;

interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

function start(
  [program = "", ...args]: readonly string[],
  {
    cwd,
    input,
    timeoutMs,
    signal,
  }: {
    readonly cwd: string;
    readonly input: string;
    readonly timeoutMs: number;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Run> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    // A group of its own, so that one signal ends all of it.
    const child = spawn(program, args, { cwd, env: childEnvironment(cwd), detached: true, stdio: "pipe" });
    const texts = { stdout: "", stderr: "" };
    let timedOut = false;
    const kill = () => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {} // all of it is gone
    };
    const timer = setTimeout(() => {
      timedOut = true;
      kill();
    }, timeoutMs);
    signal?.addEventListener("abort", kill, { once: true });
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", kill);
      kill();
    };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        if (texts[name].length < MAX_OUTPUT) texts[name] += text.slice(0, MAX_OUTPUT - texts[name].length);
      });
    }
    child.stdin.on("error", () => {}); // it ended before it had read all: its report, or the lack of one, tells
    child.stdin.end(input);
    child.on("error", (error) => {
      done();
      reject(error);
    });
    child.on("close", () => {
      done();
      if (signal?.aborted) reject(signal.reason);
      else resolve({ ...texts, timedOut });
    });
  });
}

function childEnvironment(home: string): Record<string, string> {
  const { PATH = "/usr/bin:/bin" } = process.env;
  // A mathematics library takes a thread a core, and each of them address space.
  const threads = { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1", MKL_NUM_THREADS: "1" };
  return { PATH, HOME: home, TMPDIR: home, LANG: "C.UTF-8", PYTHONHASHSEED: "0", ...threads };
}

function reportOf({ stdout, stderr }: Run, nonce: string): CodeVerdict {
  let report: { passed?: unknown; reason?: unknown; broken?: unknown; nonce?: unknown } = {};
  try {
    report = JSON.parse(stdout) as typeof report;
  } catch {} // no report: told below
  if (report.nonce !== nonce) {
    const said = stderr.trim().split("\n").at(-1);
    throw new ScoringError("SCORING_FAILED", `the run of the tests ended without a verdict${said ? `: ${said}` : ""}`);
  }
  if (typeof report.broken === "string") throw new ScoringError("SCORING_FAILED", report.broken);
  const passed = typeof report.passed === "boolean" ? report.passed : null;
  return { passed, reason: typeof report.reason === "string" ? report.reason : "" };
}

const launchers = new Map<string, Promise<readonly string[]>>();

/** The command that starts Python, found out once: with namespaces of its own where the system allows them. */
function launcherOf(python: string): Promise<readonly string[]> {
  let launcher = launchers.get(python);
  if (!launcher) {
    launcher = findLauncher(python);
    launchers.set(python, launcher);
    launcher.catch(() => launchers.delete(python)); // it may be installed by the next time
  }
  return launcher;
}

async function findLauncher(python: string): Promise<readonly string[]> {
  if (process.platform === "win32")
    throw new ConfigError("codeVerifier cannot run Python on Windows: use Linux or macOS");
  const ask = ["-I", "-c", "import sys; print(sys.version_info >= (3, 9)); print(sys.executable)"];
  const askedBy = async (prefix: readonly string[]) => {
    const run = await start([...prefix, python, ...ask], { cwd: tmpdir(), input: "", timeoutMs: 60_000 });
    return run.stdout.trim().split("\n");
  };
  for (const prefix of [OWN_NAMESPACES, []]) {
    const [isNew, executable] = await askedBy(prefix).catch(() => []);
    if (isNew === "True" && executable) return [...prefix, executable];
    if (isNew === "False") throw new ConfigError(`${python} is older than Python 3.9: install a newer one`);
  }
  throw new ConfigError(`${python} does not start: install Python 3.9 or newer, or name it by the option "python"`);
}

/** No network, and no process that outlives the run. */
const OWN_NAMESPACES = [
  "unshare",
  "--user",
  "--map-root-user",
  "--net",
  "--pid",
  "--ipc",
  "--fork",
  "--kill-child",
  "--",
];
