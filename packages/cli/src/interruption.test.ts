import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { ExitCode } from "./exit-code.js";
import { interaction, recorded } from "./testing/recorded-store.js";
import { NOW, runJson } from "./testing/run-in-process.js";
import { command, spawned } from "./testing/spawn-cli.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

const COUNT = 4_000;

/** Answers that take a while to write. */
async function largeStore(): Promise<string> {
  const cwd = temporaryFolder();
  const answers = Array.from({ length: COUNT }, (_, i) =>
    interaction({
      interactionId: `i${i}`,
      timestamp: NOW - i * 60_000,
      query: `What is ${i} times 2?`,
      answer: `${i} times 2 is ${i * 2}. ${String.fromCharCode(97 + (i % 26)).repeat(500 + (i % 97))}`,
      reference: "42",
      qualityScores: { overall: 0.9 },
    }),
  );
  for (let i = 0; i < COUNT; i += 500) await recorded(cwd, ...answers.slice(i, i + 500));
  return cwd;
}

/** Everything in a folder, at any depth, but the store. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes(".whetstone"))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Runs a command as a process of its own, and presses Ctrl-C as soon as `begun` says that it writes. */
async function interrupted(line: string, cwd: string, begun: () => boolean) {
  const { child, end } = spawned([...command, ...line.split(" ")], { cwd });
  let ended = false;
  void end.finally(() => {
    ended = true;
  });
  while (!ended && !begun()) await sleep(1);
  child.kill("SIGINT");
  return end;
}

/** What these commands write; anything else is a leftover. */
const NAMES = /^(?:rows\.jsonl|[\d-]+\.parquet|whetstone-report\.html)$/;
const lines = (path: string) => readFileSync(path, "utf8").trimEnd().split("\n");

it.each([
  [
    "dataset sft --max-similar-answers none --out rows.jsonl",
    (path: string) => lines(path).every((line) => JSON.parse(line).messages.length === 2),
  ],
  ["export --parquet days", (path: string) => readFileSync(path).subarray(-4).toString() === "PAR1"],
  ["report", (path: string) => readFileSync(path, "utf8").endsWith("</html>\n")],
] as const)("%s leaves whole files or none when it is interrupted", async (line, isWhole) => {
  const cwd = await largeStore();
  const { code, stdout, stderr } = await interrupted(line, cwd, () => filesIn(cwd).length > 0);
  const left = filesIn(cwd);
  console.log(`${line}: interrupted with ${code}, ${left.length} files left`);
  // Where the signal came when all was written there is nothing to undo.
  expect([ExitCode.done, ExitCode.interrupted]).toContain(code);
  if (code === ExitCode.interrupted)
    expect({ stdout, stderr }).toEqual({ stdout: "", stderr: "whetstone: interrupted\n" });
  expect(left.filter((path) => !NAMES.test(basename(path)) || !isWhole(path))).toEqual([]);
});

it("score keeps the scores it wrote, and the same command goes on from there", async () => {
  const cwd = await largeStore();
  const isWriting = () =>
    readdirSync(join(cwd, ".whetstone"), { recursive: true }).some((name) => String(name).includes("annotations-"));
  const { code } = await interrupted("score --scorer exact", cwd, isWriting);
  const report = await runJson<{ scored: number; skipped: number }>(["score", "--scorer", "exact"], { cwd });
  console.log(
    `score: interrupted with ${code}, ${report.skipped} of ${COUNT} kept, ${report.scored} scored afterwards`,
  );
  expect([ExitCode.done, ExitCode.interrupted]).toContain(code);
  expect(report.skipped).toBeGreaterThan(0);
  expect(report.scored + report.skipped).toBe(COUNT);
  const stats = await runJson<{ high_quality_count: number }>(["stats"], { cwd });
  expect(stats.high_quality_count).toBe(0);
});
