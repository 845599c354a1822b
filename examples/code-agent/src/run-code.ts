import { isDeepStrictEqual } from "node:util";
import type { Language } from "./code-block.js";
import type { CodeTest, Limits, Program, Run } from "./program.js";
import { runJavaScript } from "./run-javascript.js";
import { runPython } from "./run-python.js";

export interface ExecutionResult {
  readonly status: "passed" | "failed" | "error" | "timeout" | "not run";
  /** Missing when nothing ran, for then nobody knows. */
  readonly passed?: boolean;
  readonly passedTests: number;
  readonly totalTests: number;
  /** The first few things that went wrong, in words. */
  readonly problems: readonly string[];
}

const DEFAULT_LIMITS: Limits = { timeoutMs: 5_000, memoryBytes: 64 * 2 ** 20 };

/** Runs code against its tests, within limits of time and memory. Never throws: the code's failure is the result. */
export async function runCode(
  language: Language,
  program: Program,
  limits: Limits = DEFAULT_LIMITS,
): Promise<ExecutionResult> {
  const run = language === "python" ? await runPython(program, limits) : await runJavaScript(program, limits);
  return judged(program, run);
}

function judged({ functionName, tests }: Program, { outcomes, stopped }: Run): ExecutionResult {
  const problems: string[] = [];
  let passedTests = 0;
  for (const [place, outcome] of outcomes.entries()) {
    const { args, expected } = tests[place] as CodeTest;
    const call = `${functionName}(${args.map(shown).join(", ")})`;
    if ("error" in outcome) problems.push(`${call} failed: ${outcome.error}`);
    else if (isDeepStrictEqual(plain(outcome.value), plain(expected))) passedTests += 1;
    else problems.push(`${call} gave ${shown(outcome.value)}, not ${shown(expected)}`);
  }
  if (stopped) problems.push(stopped.message);
  const counts = { passedTests, totalTests: tests.length, problems: problems.slice(0, 3) };
  if (stopped?.why === "not run") return { status: "not run", ...counts };
  const passed = passedTests === tests.length && tests.length > 0;
  return { status: stopped?.why ?? (passed ? "passed" : "failed"), passed, ...counts };
}

// JSON knows no -0, and two languages have no other value in common with what is expected.
function plain(value: unknown): unknown {
  const json = JSON.stringify(value);
  return json === undefined ? undefined : JSON.parse(json);
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 120 ? `${json.slice(0, 119)}…` : json;
}
