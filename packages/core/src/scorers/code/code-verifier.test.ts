import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ConfigError, ScoringError } from "../../errors.js";
import { interaction } from "../../testing/interaction.js";
import type { CodeVerifierOptions } from "./code-scoring.js";
import { codeVerifier } from "./code-verifier.js";

const quick: CodeVerifierOptions = { timeoutMs: 2000 };

/** The overall score of Python code against tests. */
async function python(code: string, tests: string, more: Record<string, string> = {}, options = quick) {
  const answer = `\`\`\`python\n${code}\n\`\`\``;
  const score = await codeVerifier(options)(interaction({ answer, metadata: { tests, ...more } }), {});
  return score === null ? null : score.scores.overall;
}

async function javascript(code: string, tests: string, more: Record<string, string> = {}) {
  const answer = `\`\`\`js\n${code}\n\`\`\``;
  const score = await codeVerifier(quick)(interaction({ answer, metadata: { tests, ...more } }), {});
  return score === null ? null : score.scores.overall;
}

const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith("whetstone-code-"));

describe("codeVerifier", () => {
  it("speaks as verifier:code, and says why", async () => {
    const verify = codeVerifier(quick);
    expect(verify.source).toBe("verifier:code");
    const answer = "```python\ndef add(a, b):\n    return a - b\n```";
    expect(await verify(interaction({ answer, metadata: { tests: "\nassert add(1, 2) == 3, 'sum'" } }), {})).toEqual({
      scores: { overall: 0, correctness: 0 },
      rationale: "AssertionError: sum (line 2 of the tests)",
    });
  });

  it("takes the tests from the metadata, else from the reference, or from an option", async () => {
    const answer = "```python\ndef add(a, b):\n    return a + b\n```";
    const verify = codeVerifier(quick);
    expect((await verify(interaction({ answer, reference: "assert add(1, 2) == 3" }), {}))?.scores.overall).toBe(1);
    expect((await verify(interaction({ answer, reference: "assert add(1, 2) == 4" }), {}))?.scores.overall).toBe(0);
    const strict = codeVerifier({ ...quick, task: () => ({ tests: "assert add(1, 2) == 5" }) });
    expect((await strict(interaction({ answer, reference: "assert add(1, 2) == 3" }), {}))?.scores.overall).toBe(0);
  });

  it("cannot say without tests, in other languages, and when the tests never use the answer", async () => {
    const verify = codeVerifier(quick);
    const right = "```python\ndef add(a, b):\n    return a + b\n```";
    expect(await verify(interaction({ answer: right }), {})).toBeNull();
    expect(await verify(interaction({ answer: "```rust\nfn main() {}\n```", reference: "assert f()" }), {})).toBeNull();
    expect(await verify(interaction({ answer: "def add(): pass", reference: "assert add()" }), {})).toBeNull();
    expect(await verify(interaction({ answer: right, reference: "assert 1 + 1 == 2" }), {})).toBeNull();
    expect(await verify(interaction({ answer: right, reference: "assert 1 + 1 == 3" }), {})).toBeNull();
    // A reference that is a solution, and not tests, says nothing of the answer.
    expect(
      await verify(interaction({ answer: right, reference: "def add(a, b):\n  return a + b\nadd(1, 2)" }), {}),
    ).toBeNull();
  });

  it.each(["", " \n", ":", "Solution", "```python\n```", "```python\n# nothing\n```", "I cannot write code."])(
    "never scores %j above 0",
    async (answer) => {
      const metadata = { tests: "assert add(1, 2) == 3", language: "python" };
      expect((await codeVerifier(quick)(interaction({ answer, metadata }), {}))?.scores.overall).toBe(0);
    },
  );

  it("calls check(candidate) with the entry point, and runs test functions and unittest cases", async () => {
    const code = "def add(a, b):\n    return a + b";
    const check = "def check(candidate):\n    assert candidate(1, 2) == ";
    expect(await python(code, `${check}3`, { entry_point: "add" })).toBe(1);
    expect(await python(code, `${check}4`, { entry_point: "add" })).toBe(0);
    expect(await python(code, "def test_add():\n    assert add(1, 2) == 4")).toBe(0);
    const suite = (sum: number) =>
      `import unittest\nfrom solution import add\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(add(1, 2), ${sum})`;
    expect(await python(code, suite(3))).toBe(1);
    expect(await python(code, suite(4))).toBe(0);
  });

  it("takes a completion that goes on where the setup stops", async () => {
    const setup = 'def add(a, b):\n    """Adds."""\n';
    const metadata = { tests: "assert add(1, 2) == 3", setup, entry_point: "add", language: "python" };
    const score = await codeVerifier(quick)(interaction({ answer: "    return a + b\n", metadata }), {});
    expect(score?.scores.overall).toBe(1);
  });

  it.each([
    [
      "lists, dicts, sets and tuples",
      "def f(): return [{'a': (1, {2})}, b'x', 1j, None]",
      "assert f() == [{'a': (1, {2})}, b'x', 1j, None]",
    ],
    [
      "dates, decimals and fractions",
      "import datetime, decimal, fractions\ndef f(): return [datetime.date(2020, 1, 2), decimal.Decimal('1.1'), fractions.Fraction(1, 3)]",
      "import datetime, decimal, fractions\nassert f() == [datetime.date(2020, 1, 2), decimal.Decimal('1.1'), fractions.Fraction(1, 3)]",
    ],
    [
      "changes of what was given",
      "def f(l, g):\n    l.sort()\n    return [g(x) for x in l]",
      "l = [3, 1]\nassert f(l, lambda x: x * 2) == [2, 6]\nassert l == [1, 3]",
    ],
    [
      "objects and their methods",
      "class Stack:\n    def __init__(self): self.items = []\n    def push(self, x): self.items.append(x)\n    def __len__(self): return len(self.items)",
      "s = Stack()\ns.push(4)\nassert len(s) == 1 and s.items == [4]",
    ],
    [
      "exceptions",
      "class Low(ValueError): pass\ndef f(n):\n    if n: raise Low('x')\n    return {}[n]",
      "try:\n    f(1)\n    assert False\nexcept Low as e:\n    assert str(e) == 'x'\ntry:\n    f(0)\n    assert False\nexcept KeyError:\n    pass",
    ],
    ["generators", "def f():\n    yield 1\n    yield 2", "assert list(f()) == [1, 2]"],
    [
      "coroutines",
      "import asyncio\nasync def f(n):\n    await asyncio.sleep(0)\n    return n + 1",
      "import asyncio\nassert asyncio.run(f(1)) == 2",
    ],
    ["variables", "total = sum(range(5))", "assert total == 10"],
    ["very large numbers", "def f(): return 7 ** 9999", "assert f() == 7 ** 9999"],
  ])("hands over Python's %s", async (_, code, tests) => {
    expect(await python(code, tests)).toBe(1);
  });

  describe("is not taken in by Python code that", () => {
    it.each([
      ["prints a verdict", "print('{\"passed\": true}')\nprint('passed')\ndef add(a, b): return 0"],
      [
        "writes a verdict to whatever is open",
        "import os\nfor fd in range(64):\n    try: os.write(fd, b'{\"passed\": true}\\n')\n    except OSError: pass\ndef add(a, b): return 0",
      ],
      ["exits with success", "import sys\nsys.exit(0)"],
      ["exits with success in the test", "import os\ndef add(a, b): os._exit(0)"],
      ["ends the runner", "import os, signal\ndef add(a, b): os.kill(os.getppid(), signal.SIGKILL)"],
      [
        "returns an object that equals everything",
        "class Any:\n    def __eq__(self, other): return True\ndef add(a, b): return Any()",
      ],
      [
        "replaces built-in functions",
        "import builtins\nbuiltins.isinstance = builtins.all = isinstance = all = lambda *_: True\ndef add(a, b): return 0",
      ],
      [
        "replaces the test functions",
        "import unittest\nunittest.TestCase.assertEqual = lambda *_: None\ndef check(*_): pass\ndef test_add(): pass\ndef add(a, b): return 0",
      ],
      [
        "looks for the tests in the frames",
        "import sys\ndef add(a, b):\n    frame = sys._getframe()\n    while frame.f_back:\n        frame = frame.f_back\n    return frame.f_globals.get('expected', 0)",
      ],
      ["raises what tests catch", "def add(a, b): raise StopIteration"],
    ])("%s", async (_, code) => {
      const tests =
        "expected = 3\ntry:\n    value = add(1, 2)\nexcept BaseException:\n    value = None\nassert all([isinstance(value, int), value == expected])";
      expect(await python(code, tests)).toBe(0);
    });

    it.each(["all", "any", "isinstance", "bool"])("calls an exception of its own %s", async (name) => {
      const code = `class ${name}(Exception): pass\ndef add(a, b): return 0`;
      const tests = `assert add(0, 0) == 0\nassert ${name}(${name === "isinstance" ? "add(1, 2), str" : "[add(1, 2) == 3]"})`;
      expect(await python(code, name === "bool" ? "assert add(0, 0) == 0\nassert bool(add(1, 2))" : tests)).toBe(0);
    });

    it("returns an object that is near every number: what it decides is no verdict", async () => {
      const code =
        "class Near:\n    def __sub__(self, other): return 0.0\n    def __lt__(self, other): return True\ndef f(): return Near()";
      expect(await python(code, "assert abs(f() - 1.5) < 1e-6")).toBeNull();
    });

    it("replaces a helper of the setup", async () => {
      const setup = "def value(x):\n    return x * x - 2\n";
      const tests = "assert abs(value(root())) < 1e-6";
      expect(await python("def value(x): return 0\ndef root(): return 5", tests, { setup })).toBe(0);
      expect(await python("def root(): return 2 ** 0.5", tests, { setup })).toBe(1);
    });
  });

  describe("contains Python code that", () => {
    // A place of its own: other tests leave and remove folders in the system's at the same time.
    const place = mkdtempSync(join(tmpdir(), "whetstone-contained-"));
    beforeAll(() => void vi.stubEnv("TMPDIR", place));
    afterAll(() => {
      vi.unstubAllEnvs();
      rmSync(place, { recursive: true });
    });

    it.each([
      ["never ends", "def f():\n    while True: pass"],
      ["sleeps", "import time\ndef f(): time.sleep(3600)"],
      ["takes all memory", "def f(): return 'x' * 10 ** 11"],
      ["recurses without end", "def f(): return f()"],
      ["prints without end", "def f():\n    while True: print('x' * 10 ** 6)"],
      [
        "fills the disk",
        "def f():\n    with open('big', 'wb') as file:\n        for _ in range(64): file.write(b'x' * 10 ** 6)",
      ],
      ["starts processes", "import os\ndef f():\n    while True: os.fork()"],
      ["runs a command", "import subprocess\ndef f(): subprocess.run(['true'])"],
      ["opens a connection", "import socket\ndef f(): socket.create_connection(('127.0.0.1', 9), 1)"],
      ["loads native code", "import ctypes\ndef f(): pass"],
      ["writes elsewhere", "def f(): open('/tmp/whetstone-was-here', 'w')"],
      [
        "writes elsewhere, having changed the limits",
        "import __main__\n__main__.REFUSED.clear(); __main__.CHANGING.clear()\nimport os\ndef f(): os.mkdir('/tmp/whetstone-was-here')",
      ],
      [
        "writes elsewhere, having changed Python's own modules",
        "import builtins, os, posixpath\nhere = os.getcwd()\nos.readlink = lambda *_: here\nposixpath._joinrealpath = lambda *_: (here, True)\nposixpath.commonpath = lambda _: here\nposixpath.realpath.__code__ = (lambda *_, **more: '/dev/null').__code__\nbuiltins.isinstance = builtins.any = lambda *_: False\ndef f(): open('/tmp/whetstone-was-here', 'w')",
      ],
      [
        "writes elsewhere through an open folder",
        "import os\ndef f():\n    folder = os.open('/tmp', os.O_RDONLY)\n    os.close(os.open('whetstone-was-here', os.O_CREAT | os.O_WRONLY, dir_fd=folder))",
      ],
      [
        "writes elsewhere by a way up",
        "import os\ndef f():\n    here = os.open('.', os.O_RDONLY)\n    os.makedirs('a/b'); os.chdir('a/b')\n    os.close(os.open('../whetstone-was-here', os.O_CREAT | os.O_WRONLY, dir_fd=here))",
      ],
      [
        "writes a database elsewhere",
        "import sqlite3\ndef f(): sqlite3.connect('/tmp/whetstone-was-here').execute('create table t (x)')",
      ],
      [
        "looks for the hook",
        "import gc\ndef f(): return [each for each in gc.get_objects() if getattr(each, '__name__', '') == 'hook']",
      ],
      ["removes files", "import shutil\ndef f(): shutil.rmtree('/tmp/whetstone-is-nowhere/..')"],
    ])("%s, and leaves nothing behind", async (_, code) => {
      const before = leftovers();
      expect(await python(code, "f()", {}, { timeoutMs: 1000 })).toBe(0);
      expect(leftovers().filter((name) => !before.includes(name))).toEqual([]);
      const isThere = existsSync("/tmp/whetstone-was-here");
      rmSync("/tmp/whetstone-was-here", { force: true, recursive: true });
      expect(isThere).toBe(false);
    });

    it("looks at the environment, which is a clean one", async () => {
      process.env.WHETSTONE_TEST_SECRET = "secret";
      const code =
        "import os\ndef f(): return 'WHETSTONE_TEST_SECRET' in os.environ, os.getcwd() == os.environ['HOME']";
      expect(await python(code, "assert f() == (False, True)")).toBe(1);
      delete process.env.WHETSTONE_TEST_SECRET;
    });
  });

  it("stops at once when the signal aborts", async () => {
    const stop = new AbortController();
    const metadata = { tests: "f()", language: "python" };
    const run = codeVerifier()(interaction({ answer: "def f():\n  while True: pass", metadata }), {
      signal: stop.signal,
    });
    setTimeout(() => stop.abort(new Error("enough")), 300);
    await expect(run).rejects.toThrow("enough");
  });

  it("leaves an answer unscored when the tests themselves do not run", async () => {
    await expect(python("def f(): pass", "assert (")).rejects.toThrow(ScoringError);
    await expect(javascript("function f() {}", "assert(")).rejects.toThrow("the tests are no JavaScript");
  });

  it("says what is missing when there is no such Python", async () => {
    const options = { ...quick, python: join(tmpdir(), "no-such-python") };
    await expect(python("def f(): pass", "f()", {}, options)).rejects.toThrow(ConfigError);
  });

  it.each([
    { timeoutMs: 0 },
    { timeoutMs: 1.5 },
    { maxMemoryBytes: 5 },
    { concurrency: 0 },
    { language: "ruby" as "python" },
  ])("refuses %j", (options) => {
    expect(() => codeVerifier(options)).toThrow(ConfigError);
  });
});

describe("codeVerifier on JavaScript", () => {
  it.each([
    ["functions", "const add = (a, b) => a + b;", "assert.equal(add(1, 2), 3)"],
    [
      "ES modules",
      "export default function add(a, b) { return a + b }",
      "import assert from 'node:assert/strict';\nassert.deepEqual([add(1, 2)], [3])",
    ],
    [
      "CommonJS",
      "module.exports = { add: (a, b) => a + b }",
      "const { add } = require('./add');\nassert.strictEqual(add(1, 2), 3)",
    ],
    [
      "classes",
      "class P { #x; constructor(x) { this.#x = x } get x() { return this.#x } }",
      "const p = new P(3); assert.equal(p.x, 3); assert(p instanceof P)",
    ],
    [
      "promises and timers",
      "async function f(n) { await new Promise((go) => setTimeout(go, 60000)); return n + 1 }",
      "assert.equal(await f(1), 2)",
    ],
    [
      "rejections",
      "class No extends Error {}\nasync function f() { throw new No('no') }",
      "await assert.rejects(() => f(), No)",
    ],
    [
      "errors",
      "class No extends RangeError {}\nfunction f() { throw new No('too much') }",
      "assert.throws(() => f(), No); assert.throws(() => f(), /much/)",
    ],
    [
      "values",
      "const f = () => [NaN, -0, undefined, 10n, new Date(5), new Map([[1, new Set([2])]])]",
      "test('it', () => assert.deepStrictEqual(f(), [NaN, -0, undefined, 10n, new Date(5), new Map([[1, new Set([2])]])]))",
    ],
    [
      "callbacks and changes",
      "function f(list, by) { list.sort((a, b) => by(a) - by(b)); return list.length }",
      "const list = [3, 1]; assert.equal(f(list, (x) => x), 2); assert.deepEqual(list, [1, 3])",
    ],
    ["variables", "const total = 10", "assert.equal(total, 10)"],
    ["generators", "function* f() { yield 1; yield 2 }", "assert.deepEqual([...f()], [1, 2])"],
  ])("hands over %s", async (_, code, tests) => {
    expect(await javascript(code, tests)).toBe(1);
  });

  it("calls check(candidate) with the entry point", async () => {
    const tests = (sum: number) => `function check(candidate) { assert.equal(candidate(1, 2), ${sum}) }`;
    const code = "const add = (a, b) => a + b;";
    expect(await javascript(code, tests(3), { entryPoint: "add" })).toBe(1);
    expect(await javascript(code, tests(4), { entryPoint: "add" })).toBe(0);
    expect(await javascript(code, tests(3), { entryPoint: "sum" })).toBe(0);
  });

  it.each([
    ["prints a verdict", "console.log('passed'); const f = () => 1"],
    [
      "replaces assert",
      "globalThis.assert = Object.assign(() => {}, { equal() {} }); var test = () => {}; const f = () => 1",
    ],
    [
      "replaces the language",
      "Object.is = () => true; JSON.stringify = () => '[\"reply\",2,[]]'; JSON.parse = () => ['call', 0, []]; const f = () => 1",
    ],
    ["equals everything", "const f = () => ({ valueOf: () => 1, toString: () => '2', [Symbol.toPrimitive]: () => 1 })"],
    ["throws", "throw new Error('passed')"],
    ["never ends", "const f = () => { for (;;); }"],
    ["never ends while it is loaded", "for (;;);"],
    ["recurses without end", "const f = () => f() + 1"],
    ["takes all memory", "const f = () => { const all = []; for (;;) all.push(new Uint8Array(1e6)) }"],
    ["never settles", "const f = () => new Promise(() => {})"],
    ["looks for the machine it runs on", "const f = () => process.exit(0)"],
  ])("is not taken in by code that %s", async (_, code) => {
    expect(await javascript(code, "assert.equal(await f(), 2)")).toBe(0);
  });

  it("cannot say when the tests call what the answer added to an object of the language", async () => {
    const last = "Array.prototype.last = function () { return this.at(-1) };\nconst tail = (list) => list.last();";
    expect(await javascript(last, "assert.equal(tail([1, 2]), 2); assert.equal([1, 2].last(), 2)")).toBeNull();
    expect(await javascript(last, "assert.equal(tail([1, 2]), 2)")).toBe(1);
    expect(await javascript(last, "assert.equal(tail([1, 2]), 1)")).toBe(0);
    const square = "Math.square = (x) => x * x;\nconst one = () => 1;";
    expect(await javascript(square, "assert.equal(one(), 1); assert.equal(Math.square(3), 9)")).toBeNull();
    expect(await javascript(square, "assert.equal(one(), 1); assert.equal(Math.cube(3), 27)")).toBe(0);
  });

  it("cannot say when the tests never use the answer, or need what cannot be handed over", async () => {
    expect(await javascript("const f = () => 1", "assert(true)")).toBeNull();
    expect(await javascript("const f = (x) => x.y", "class T { y = 1 }; assert.equal(f(new T()), 1)")).toBeNull();
  });
});
