import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Limits, Outcome, Program, Run } from "./program.js";

const MAX_REPORT = 2 ** 20;

/**
 * Runs Python in a child process with an empty environment, a folder of its own and limits of time, memory, files and
 * processes. That stops accidents, not attackers: run code that you do not trust in a container.
 */
export async function runPython({ code, functionName, tests }: Program, limits: Limits): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), `whetstone-python-${process.pid}-`));
  try {
    const { report, ending } = await ranToTheEnd(
      folder,
      { code, name: functionName, calls: tests.map(({ args }) => args) },
      limits,
    );
    const [first, ...outcomes] = report
      .split("\n")
      .slice(0, tests.length + 1)
      .filter(Boolean)
      .map(readLine);
    if (ending === "timeout") {
      return { outcomes, stopped: { why: "timeout", message: `stopped after ${limits.timeoutMs} ms` } };
    }
    if (ending === "missing") {
      return { outcomes, stopped: { why: "not run", message: "python3 is not on this machine" } };
    }
    if (first && "error" in first) return { outcomes: [], stopped: { why: "error", message: first.error } };
    if (outcomes.length === tests.length) return { outcomes };
    return { outcomes, stopped: { why: "error", message: `Python ended early (${ending})` } };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Ending {
  readonly report: string;
  /** `timeout`, `missing`, or how the process ended by itself. */
  readonly ending: string;
}

function ranToTheEnd(cwd: string, input: object, { timeoutMs, memoryBytes }: Limits): Promise<Ending> {
  return new Promise((resolve) => {
    const seconds = Math.ceil(timeoutMs / 1000);
    // The report has a channel of its own, so that what the code prints cannot be taken for it.
    const child = spawn("python3", ["-I", "-S", "-c", RUNNER, String(seconds), String(memoryBytes)], {
      cwd,
      env: { PATH: process.env.PATH },
      stdio: ["pipe", "ignore", "ignore", "pipe"],
      detached: true,
    });
    let report = "";
    let ending: string | undefined;
    const kill = (why: string) => {
      ending ??= why;
      try {
        // The whole group: what the code started ends with it.
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        // It had ended already.
      }
    };
    const timer = setTimeout(() => kill("timeout"), timeoutMs);
    (child.stdio[3] as Readable).setEncoding("utf8").on("data", (text: string) => {
      report += text;
      if (report.length > MAX_REPORT) kill("its results are too large");
    });
    child.on("error", () => {
      clearTimeout(timer);
      resolve({ report: "", ending: "missing" });
    });
    child.on("close", (exitCode, signal) => {
      clearTimeout(timer);
      const byLimit = signal === "SIGXCPU" ? "timeout" : undefined;
      resolve({ report, ending: ending ?? byLimit ?? (signal === null ? `exit code ${exitCode}` : signal) });
    });
    child.stdin?.on("error", () => {}); // it may end without reading
    child.stdin?.end(JSON.stringify(input));
  });
}

// A line that was cut, or that the code itself wrote there, counts as a failed call.
function readLine(line: string): Outcome {
  try {
    const said: unknown = JSON.parse(line);
    if (typeof said === "object" && said !== null && "value" in said) return { value: said.value };
    if (typeof said === "object" && said !== null && "error" in said) return { error: String(said.error) };
  } catch {}
  return { error: "its report cannot be read" };
}

const RUNNER = `
import json, os, sys

given = json.load(sys.stdin)
report = os.fdopen(3, "w")
seconds, memory = int(sys.argv[1]), int(sys.argv[2])
try:
    import resource
    wanted = {"RLIMIT_CPU": seconds, "RLIMIT_AS": memory + 64 * 2**20, "RLIMIT_FSIZE": 0, "RLIMIT_NPROC": 0}
    for name, value in wanted.items():
        try:
            resource.setrlimit(getattr(resource, name), (value, value))
        except (AttributeError, OSError, ValueError):
            pass  # not every system knows every limit; the parent's clock stands over all of them
except ImportError:
    pass

def say(line):
    report.write(json.dumps(line, allow_nan=False) + "\\n")
    report.flush()

def words(error):
    return f"{type(error).__name__}: {error}"[:300]

names = {"__name__": "answer"}
try:
    exec(compile(given["code"], "answer.py", "exec"), names)
    say({"value": None})
except BaseException as error:
    say({"error": words(error)})
    os._exit(0)
for args in given["calls"]:
    try:
        say({"value": names[given["name"]](*args)})
    except BaseException as error:
        say({"error": words(error)})
os._exit(0)
`;
