import { newQuickJSWASMModule, type QuickJSContext, shouldInterruptAfterDeadline } from "quickjs-emscripten";
import type { Limits, Outcome, Program, Run } from "./program.js";

// Each frame of the engine takes several times as much of the stack of this thread, which must not overflow first.
const MAX_STACK_BYTES = 128 * 1024;

/**
 * Runs JavaScript in an engine of its own inside WebAssembly: it sees no files, no network and nothing of this process.
 * While it runs this thread waits, at most for the time limit.
 */
export async function runJavaScript({ code, functionName, tests }: Program, limits: Limits): Promise<Run> {
  // A module for each run: the collector takes it whole, also where an overflown stack left the engine in disorder.
  const engine = await newQuickJSWASMModule();
  const deadline = Date.now() + limits.timeoutMs;
  const runtime = engine.newRuntime({
    memoryLimitBytes: limits.memoryBytes,
    maxStackSizeBytes: MAX_STACK_BYTES,
    interruptHandler: shouldInterruptAfterDeadline(deadline),
  });
  const context = runtime.newContext();
  const timedOut = { why: "timeout", message: `stopped after ${limits.timeoutMs} ms` } as const;
  const outcomes: Outcome[] = [];
  const loaded = evaluated(context, `${code}\n;void 0`);
  if ("error" in loaded) {
    return { outcomes, stopped: Date.now() >= deadline ? timedOut : { why: "error", message: loaded.error } };
  }
  for (const { args } of tests) {
    const call = `${functionName}(${args.map((arg) => JSON.stringify(arg)).join(", ")})`;
    const outcome = evaluated(context, call);
    if ("error" in outcome && Date.now() >= deadline) return { outcomes, stopped: timedOut };
    outcomes.push(outcome);
  }
  return { outcomes };
}

function evaluated(context: QuickJSContext, source: string): Outcome {
  try {
    const result = context.evalCode(source);
    if (!result.error) return { value: context.dump(result.value) };
    const thrown: unknown = context.dump(result.error);
    if (typeof thrown !== "object" || thrown === null || !("message" in thrown)) return { error: String(thrown) };
    return { error: "name" in thrown ? `${thrown.name}: ${thrown.message}` : String(thrown.message) };
  } catch (error) {
    return { error: `the engine failed: ${error}` };
  }
}
