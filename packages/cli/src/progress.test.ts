import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { CliIo } from "./cli-io.js";
import { createProgress } from "./progress.js";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function terminal({ isTTY = true, env = {} }: { isTTY?: boolean; env?: Record<string, string> } = {}) {
  const stderr = new PassThrough();
  const io: CliIo = {
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: Object.assign(stderr, { isTTY, columns: 40 }),
    env,
    cwd: "/",
    signal: new AbortController().signal,
    now: Date.now,
    setExitCode() {},
  };
  return { io, shown: () => String(stderr.read() ?? "") };
}

it("shows nothing of work that is over within a second", () => {
  const { io, shown } = terminal();
  const progress = createProgress(io, "importing", "rows", () => ({ done: 5 }));
  vi.advanceTimersByTime(990);
  progress.stop();
  vi.advanceTimersByTime(5_000);
  expect(shown()).toBe("");
});

it("shows how far longer work is, and takes the line away at the end", () => {
  const { io, shown } = terminal();
  let done = 0;
  const progress = createProgress(io, "importing", "rows", () => ({ done, share: done / 4_000 }));
  done = 1_000;
  vi.advanceTimersByTime(1_000);
  expect(shown()).toBe("\r\u001b[2Kimporting: 1,000 rows (25 %)");
  done = 3_000;
  vi.advanceTimersByTime(100);
  expect(shown()).toBe("\r\u001b[2Kimporting: 3,000 rows (75 %)");
  progress.stop();
  expect(shown()).toBe("\r\u001b[2K");
  vi.advanceTimersByTime(5_000);
  expect(shown()).toBe("");
});

it("stays on one line, and lets no control character of a file name through", () => {
  const { io, shown } = terminal();
  createProgress(io, `importing "\u001b]52;c;x\u0007${"long".repeat(20)}"`, "rows", () => ({ done: 1 })).stop();
  const progress = createProgress(io, `importing "\u001b]52;c;x\u0007${"long".repeat(20)}"`, "rows", () => ({
    done: 1,
  }));
  vi.advanceTimersByTime(1_000);
  const line = shown().replace("\r\u001b[2K", "");
  expect(line).not.toMatch(/\p{Cc}/u);
  expect(line.length).toBeLessThanOrEqual(39);
  progress.stop();
});

it.each([
  ["a pipe", { isTTY: false }],
  ["a dumb terminal", { env: { TERM: "dumb" } }],
])("shows nothing on %s", (_name, options) => {
  const { io, shown } = terminal(options);
  createProgress(io, "importing", "rows", () => ({ done: 1 }));
  vi.advanceTimersByTime(5_000);
  expect(shown()).toBe("");
});
