import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import type { Language } from "./code-block.js";
import { hasPython } from "./has-python.fixture.js";
import { runCode } from "./run-code.js";

const tests = [
  { args: [1, 2], expected: 3 },
  { args: [0, 0], expected: 0 },
];
const limits = { timeoutMs: 2_000, memoryBytes: 32 * 2 ** 20 };
const run = (language: Language, code: string) =>
  runCode(language, { code, functionName: "f", tests }, { ...limits, timeoutMs: 60_000 });

describe("JavaScript", () => {
  it.each([
    ["passes", "const f = (a, b) => a + b", "passed", 2, undefined],
    ["passes in part", "function f(a, b) { return a - b }", "failed", 1, "f(1, 2) gave -1, not 3"],
    ["throws", "function f() { throw new RangeError('no') }", "failed", 0, "f(1, 2) failed: RangeError: no"],
    ["does not parse", "function f( {", "error", 0, "SyntaxError: invalid property name"],
    ["lacks the function", "const g = 1", "failed", 0, "f(1, 2) failed: ReferenceError: 'f' is not defined"],
    [
      "recurses for ever",
      "function f(a) { return f(a) + 1 }",
      "failed",
      0,
      "f(1, 2) failed: InternalError: stack overflow",
    ],
    [
      "eats memory",
      "function f() { const a = []; for (;;) a.push([1]) }",
      "failed",
      0,
      "f(1, 2) failed: InternalError: out of memory",
    ],
    [
      "wants this process",
      "function f() { return process.pid }",
      "failed",
      0,
      "f(1, 2) failed: ReferenceError: 'process' is not defined",
    ],
    [
      "wants the network",
      "function f() { return fetch('x') }",
      "failed",
      0,
      "f(1, 2) failed: ReferenceError: 'fetch' is not defined",
    ],
  ])("that %s is told as such", async (_, code, status, passedTests, problem) => {
    const result = await run("javascript", code);
    expect([result.status, result.passed, result.passedTests, result.problems[0]]).toEqual([
      status,
      status === "passed",
      passedTests,
      problem,
    ]);
  });

  it("that never ends is stopped", async () => {
    const endless = "function f() { for (;;); }";
    expect(await runCode("javascript", { code: endless, functionName: "f", tests }, limits)).toEqual({
      status: "timeout",
      passed: false,
      passedTests: 0,
      totalTests: 2,
      problems: ["stopped after 2000 ms"],
    });
  });

  it("leaves nothing behind for the next run", async () => {
    await run("javascript", "globalThis.f = (a, b) => a + b");
    expect((await run("javascript", "let x")).passedTests).toBe(0);
  });
});

describe.skipIf(!hasPython)("Python (needs python3)", () => {
  it.each([
    ["passes and prints", "def f(a, b):\n    print(a)\n    return a + b", "passed", 2, undefined],
    ["passes in part", "def f(a, b):\n    return a - b", "failed", 1, "f(1, 2) gave -1, not 3"],
    ["raises", "def f(a, b):\n    raise ValueError('no')", "failed", 0, "f(1, 2) failed: ValueError: no"],
    ["does not parse", "def f(a,", "error", 0, "SyntaxError: '(' was never closed (answer.py, line 1)"],
    ["eats memory", "def f(a, b):\n    return 'x' * 10**10", "failed", 0, "f(1, 2) failed: MemoryError: "],
    ["ends its process", "import os\ndef f(a, b):\n    os._exit(3)", "error", 0, "Python ended early (exit code 3)"],
    ["sees no environment", "import os\ndef f(a, b):\n    return sorted(os.environ)", "failed", 0, undefined],
    [
      "forges its report",
      "import os\nos.write(3, b'{\"value\": 3}\\nnonsense')\ndef f(a, b):\n    return 9",
      "failed",
      0,
      undefined,
    ],
  ])("that %s is told as such", async (_, code, status, passedTests, problem) => {
    const result = await run("python", code);
    expect([result.status, result.passed, result.passedTests]).toEqual([status, status === "passed", passedTests]);
    if (problem !== undefined) expect(result.problems[0]).toBe(problem);
    expect(result.problems.join()).not.toMatch(/HOME|USER|KEY/);
  });

  it("that never ends is stopped, and with it what it started", async () => {
    const nap = `sleep 6000.${process.pid}`;
    const code = `import subprocess\ndef f(a, b):\n    subprocess.run(${JSON.stringify(nap.split(" "))})\n    while True: pass`;
    expect(await runCode("python", { code, functionName: "f", tests }, limits)).toMatchObject({
      status: "timeout",
      passedTests: 0,
    });
    expect(execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })).not.toContain(nap);
  });

  it("leaves no folder behind", () => {
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`whetstone-python-${process.pid}`))).toEqual([]);
  });
});

describe("a machine without python3", () => {
  it("says that nothing ran, and neither passes nor fails the code", async () => {
    const path = process.env.PATH;
    process.env.PATH = "/nonexistent";
    try {
      const result = await run("python", "def f(a, b): return a + b");
      expect(result).toEqual({
        status: "not run",
        passedTests: 0,
        totalTests: 2,
        problems: ["python3 is not on this machine"],
      });
    } finally {
      process.env.PATH = path;
    }
  });
});
