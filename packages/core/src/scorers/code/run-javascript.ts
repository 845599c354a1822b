import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { ConfigError, ScoringError } from "../../errors.js";
import type { CodeJob, CodeVerdict } from "./code-job.js";
import { JAVASCRIPT_ANSWER, JAVASCRIPT_PEER, JAVASCRIPT_TESTS } from "./javascript-harness.js";

/** Runs JavaScript against tests in two QuickJS machines on a thread of their own, which is gone when this returns. */
export async function runJavaScript(job: CodeJob, signal?: AbortSignal): Promise<CodeVerdict> {
  signal?.throwIfAborted();
  const texts = { peer: JAVASCRIPT_PEER, answer: JAVASCRIPT_ANSWER, tests: JAVASCRIPT_TESTS };
  const program = {
    setup: withoutModules(job.setup),
    code: withoutModules(job.code),
    tests: withoutModules(job.tests),
    names: namesWanted(job),
    entryPoint: job.entryPoint ?? "",
    definesCheck: /\bcheck\s*=|\bfunction\s+check\b/.test(job.tests),
  };
  const { timeoutMs, maxMemoryBytes } = job;
  const worker = new Worker(WORKER, {
    eval: true,
    workerData: { quickjs: quickjsPath(), texts, ...program, timeoutMs, maxMemoryBytes },
    env: {},
    stdout: true,
    stderr: true,
    resourceLimits: { stackSizeMb: 16 },
  });
  try {
    return await new Promise<CodeVerdict>((resolve, reject) => {
      // The machines stop by themselves; this is for what they spend outside of running code.
      const timer = setTimeout(
        () => resolve({ passed: false, reason: `it did not end within ${timeoutMs} ms` }),
        timeoutMs + START_MS,
      );
      const onAbort = () => reject(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      const settled = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      worker.once("message", (verdict: CodeVerdict & { readonly broken?: string }) => {
        settled();
        if (verdict.broken === undefined) resolve(verdict);
        else reject(new ScoringError("SCORING_FAILED", verdict.broken));
      });
      worker.once("error", (cause) => {
        settled();
        const reason = `the machine that ran the tests broke: ${cause instanceof Error ? cause.message : cause}`;
        reject(new ScoringError("SCORING_FAILED", reason, { cause }));
      });
      worker.once("exit", () => {
        settled();
        reject(new ScoringError("SCORING_FAILED", "the run of the tests ended without a verdict"));
      });
    });
  } finally {
    await worker.terminate();
  }
}

const START_MS = 10_000;

let path: string | undefined;

function quickjsPath(): string {
  try {
    path ??= createRequire(import.meta.url).resolve("quickjs-emscripten");
    return path;
  } catch (cause) {
    throw new ConfigError("codeVerifier runs JavaScript with quickjs-emscripten: npm install quickjs-emscripten", {
      cause,
    });
  }
}

/** What the tests speak of and do not declare themselves. */
function namesWanted({ tests, entryPoint }: CodeJob): string[] {
  const declared = new Set<string | undefined>(["true", "false", "null", "this"]);
  for (const [, name] of tests.matchAll(/\b(?:const|let|var|function\*?|class)\s+([\w$]+)/g)) declared.add(name);
  const spoken = new Set(tests.match(/[A-Za-z_$][\w$]*/g));
  return [...new Set([...spoken].filter((name) => !declared.has(name)).concat(entryPoint ?? []))];
}

/** A script is run, not a module: what is imported and exported becomes plain definitions. */
function withoutModules(code: string): string {
  return code
    .replace(/^import\s+(\w+)\s+from\s+(["'][^"'\n]+["'])/gm, "const $1 = require($2)")
    .replace(/^import\s+\*\s+as\s+(\w+)\s+from\s+(["'][^"'\n]+["'])/gm, "const $1 = require($2)")
    .replace(
      /^import\s*(\{[^}]*\})\s*from\s*(["'][^"'\n]+["'])/gm,
      (_, names: string, from: string) => `const ${names.replace(/\bas\b/g, ":")} = require(${from})`,
    )
    .replace(/^export\s+default\s+(?=(?:async\s+)?function\s*\*?\s*\w|class\s+\w)/gm, "")
    .replace(/^export\s+default\s+/gm, "module.exports = ")
    .replace(/^export\s+(?=(?:async|function|class|const|let|var)\b)/gm, "")
    .replace(/^export\s*\{[^}]*\}\s*;?/gm, "");
}

/** Runs on the thread. The tests' machine is the only one that can report. */
const WORKER = String.raw`
const { parentPort, workerData: job } = require("node:worker_threads");
const { getQuickJS } = require(job.quickjs);

getQuickJS().then((quickjs) => {
  const late = performance.now() + job.timeoutMs;
  let stopped = null;
  const isLate = () => {
    if (performance.now() > late) stopped ??= "it did not end within " + job.timeoutMs + " ms";
    return stopped !== null;
  };
  const machine = () => {
    const runtime = quickjs.newRuntime();
    runtime.setMemoryLimit(job.maxMemoryBytes);
    runtime.setMaxStackSize(512 * 1024);
    runtime.setInterruptHandler(isLate);
    return runtime.newContext();
  };
  const answer = machine(), tests = machine();
  let verdict = null, answerEnd, testsEnd;

  // The text that a function of a machine returns; null when the machine was stopped or out of memory.
  const callText = (context, end, name, ...args) => {
    const given = args.map((arg) => context.newString(arg));
    const target = context.getProp(end, name);
    const result = context.callFunction(target, context.undefined, ...given);
    if (result.error) {
      const error = context.dump(result.error);
      stopped ??= context === answer ? "the answer broke off: " + textOf(error) : null;
      return null;
    }
    const value = context.dump(result.value);
    result.value.dispose();
    for (const handle of [target, ...given]) handle.dispose();
    return value;
  };
  const textOf = (error) => (typeof error === "object" && error !== null ? error.name + ": " + error.message : String(error)).slice(0, 300);
  const drain = (context, end) => {
    for (let rounds = 0; rounds < 100000 && stopped === null; rounds++) {
      const done = context.runtime.executePendingJobs();
      if (done.error) done.error.dispose();
      if (!context.runtime.hasPendingJob() && callText(context, end, "tick") !== true) return;
    }
  };
  const sender = (context, send) => context.newFunction("send", (handle) => {
    const text = send(context.getString(handle));
    return text === null ? context.newError("stopped") : context.newString(text);
  });
  const evaluated = (context, code, name) => {
    const result = context.evalCode(code, name, { type: "global" });
    if (!result.error) return { value: result.value };
    return { error: textOf(context.dump(result.error)) };
  };
  const called = (context, text, ...args) => context.unwrapResult(context.callFunction(evaluated(context, text, "harness").value, context.undefined, ...args));

  const answerPeer = called(answer, job.texts.peer, sender(answer, (text) => callText(tests, testsEnd, "serve", text)), answer.true);
  answerEnd = called(answer, job.texts.answer, answerPeer);
  const toAnswer = (text) => {
    if (JSON.parse(text)[0] === "settle") drain(answer, answerEnd);
    return stopped === null ? callText(answer, answerEnd, "serve", text) : null;
  };
  const testsPeer = called(tests, job.texts.peer, sender(tests, toAnswer), tests.false);
  const report = tests.newFunction("report", (handle) => void (verdict ??= JSON.parse(tests.getString(handle))));
  testsEnd = called(tests, job.texts.tests, testsPeer, report);

  const body = evaluated(tests, "(async (candidate) => {\n" + job.tests + "\n;" + (job.definesCheck ? "return check;" : "") + "\n})", "tests");
  if (body.error !== undefined) return { broken: "the tests are no JavaScript: " + body.error };
  const shared = evaluated(tests, job.setup, "setup");
  if (shared.error !== undefined) return { broken: "the setup of the tests does not run: " + shared.error };
  const loaded = evaluated(answer, job.setup + "\n" + job.code, "answer");
  if (loaded.error !== undefined) return { passed: false, reason: stopped ?? "the answer's code does not run: " + loaded.error };
  drain(answer, answerEnd);
  const exported = callText(answer, answerEnd, "exported", JSON.stringify(job.names));
  if (exported !== null) {
    callText(tests, testsEnd, "define", exported, job.entryPoint);
    const run = tests.callFunction(tests.getProp(testsEnd, "run"), testsEnd, body.value, tests.newString(job.entryPoint));
    if (run.error && stopped === null) return { passed: false, reason: textOf(tests.dump(run.error)) };
    drain(tests, testsEnd);
  }
  if (stopped !== null) return { passed: false, reason: stopped };
  return verdict ?? { passed: false, reason: "the tests never came to an end" };
}).then((verdict) => parentPort.postMessage(verdict));
`;
