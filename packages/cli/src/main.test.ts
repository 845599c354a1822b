import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { ExitCode } from "./exit-code.js";
import { interaction, recorded } from "./testing/recorded-store.js";
import { command, spawned } from "./testing/spawn-cli.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

// Real processes start slowly on a busy machine; nothing here is about time.
const PATIENCE = { timeout: 60_000 };
const PATIENT = { timeout: 50_000, interval: 20 };

/** The command line as a word of a shell, with its arguments. */
const shell = (...args: string[]) =>
  [...command, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");

// Root may write everywhere, so root becomes nobody for the test that needs a folder it may not write to; that in turn
// needs sources that nobody may read.
const isRoot = process.getuid?.() === 0;
const canBeNobody =
  isRoot &&
  [import.meta.dirname, dirname(process.execPath)]
    .flatMap(foldersAbove)
    .every((folder) => (statSync(folder).mode & 0o001) !== 0);

describe("the whetstone process", PATIENCE, () => {
  it("prints on standard output, tells errors on standard error, and exits with the code", async () => {
    const cwd = temporaryFolder();
    const missing = await spawned([...command, "stats"], { cwd }).end;
    expect(missing).toEqual({
      code: ExitCode.failed,
      stdout: "",
      stderr: expect.stringMatching(/^whetstone: there is no store at .+\n$/),
    });
    await recorded(cwd, interaction({ interactionId: "a" }));
    const stats = await spawned([...command, "stats", "--json"], { cwd }).end;
    expect(stats).toMatchObject({ code: ExitCode.done, stderr: "" });
    expect(JSON.parse(stats.stdout)).toMatchObject({ total_interactions: 1 });
  });

  it("may be cut off by head: no error, no trace of one, exit code 0", async () => {
    const cwd = temporaryFolder();
    const answer = "long ".repeat(400);
    await recorded(cwd, ...Array.from({ length: 3_000 }, (_, i) => interaction({ interactionId: `i${i}`, answer })));
    const script = `set -o pipefail; ${shell("query", "--json")} | head -n 1`;
    const { code, stdout, stderr } = await spawned(["bash", "--norc", "-c", script], { cwd }).end;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ answer });
  });

  it("writes everything before it exits, into a slow pipe too", async () => {
    const cwd = temporaryFolder();
    const answer = "long ".repeat(400);
    await recorded(cwd, ...Array.from({ length: 2_000 }, (_, i) => interaction({ interactionId: `i${i}`, answer })));
    const script = `set -o pipefail; ${shell("query", "--json")} | (sleep 0.5; wc -l)`;
    expect((await spawned(["bash", "--norc", "-c", script], { cwd }).end).stdout.trim()).toBe("2000");
  });

  it("ends with 130 on Ctrl-C and leaves whole records only", async () => {
    const cwd = temporaryFolder();
    const { child, end } = spawned([...command, "import", "-"], { cwd });
    const row = (i: number) => `${JSON.stringify({ query: `q${i}`, answer: "a" })}\n`;
    child.stdin?.write(Array.from({ length: 300 }, (_, i) => row(i)).join("") + row(300).slice(0, 10));
    await vi.waitUntil(
      () => existsSync(join(cwd, ".whetstone")) && readdirSync(join(cwd, ".whetstone")).length > 1,
      PATIENT,
    );
    child.kill("SIGINT");
    expect(await end).toEqual({
      code: ExitCode.interrupted,
      stdout: "",
      stderr: "whetstone: interrupted: 256 interactions stored, run the same command again to import the rest\n",
    });
    const stats = await spawned([...command, "stats", "--json"], { cwd }).end;
    expect(JSON.parse(stats.stdout)).toMatchObject({ total_interactions: 256 });
  });

  it("says that a mapping never answers, for each row, and imports the others", async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, "map.mjs"), "export default (row) => (row.query ? row : new Promise(() => {}));");
    writeFileSync(join(cwd, "rows.jsonl"), '{}\n{"query":"q","answer":"a"}\n{}\n');
    const reason = "the mapping gave a promise that nothing is left to settle";
    expect(await spawned([...command, "import", "rows.jsonl", "--map", "map.mjs"], { cwd }).end).toEqual({
      code: ExitCode.partly,
      stdout: `1 interaction from 3 rows stored in file:${cwd}/.whetstone\n`,
      stderr: `2 rows could not be imported:\n  line 1: ${reason}\n  line 3: ${reason}\n`,
    });
    writeFileSync(join(cwd, "none.jsonl"), "{}\n{}\n");
    expect(await spawned([...command, "import", "none.jsonl", "--map", "map.mjs"], { cwd }).end).toEqual({
      code: ExitCode.failed,
      stdout: "",
      stderr: `whetstone: none of the 2 rows of "none.jsonl" could be imported; line 1: ${reason}\n`,
    });
  });

  it("says that a mapping module never finishes loading", async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, "map.mjs"), "await new Promise(() => {}); export default () => null;");
    writeFileSync(join(cwd, "rows.jsonl"), "{}\n");
    expect(await spawned([...command, "import", "rows.jsonl", "--map", "map.mjs"], { cwd }).end).toEqual({
      code: ExitCode.usage,
      stdout: "",
      stderr:
        'whetstone: the mapping module "map.mjs" cannot be loaded: it awaits something that nothing is left to settle\n',
    });
  });

  it("can be interrupted while a mapping takes its time", async () => {
    const cwd = temporaryFolder();
    writeFileSync(
      join(cwd, "map.mjs"),
      "import { writeFileSync } from 'node:fs';\n" +
        "export default () => { writeFileSync('asked', ''); return new Promise((r) => setTimeout(r, 1e8)); };",
    );
    writeFileSync(join(cwd, "rows.jsonl"), "{}\n");
    const { child, end } = spawned([...command, "import", "rows.jsonl", "--map", "map.mjs"], { cwd });
    await vi.waitUntil(() => existsSync(join(cwd, "asked")), PATIENT);
    child.kill("SIGINT");
    expect(await end).toMatchObject({
      code: ExitCode.interrupted,
      stderr: "whetstone: interrupted: nothing is stored\n",
    });
  });

  it.skipIf(isRoot && !canBeNobody)("tells in one sentence that a folder cannot be written to", async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, "rows.jsonl"), '{"query":"q","answer":"a"}\n');
    mkdirSync(join(cwd, "locked"), { mode: 0o555 });
    chmodSync(cwd, 0o755);
    const user = isRoot ? { uid: 65_534, gid: 65_534 } : {};
    const run = spawned([...command, "import", "rows.jsonl", "--store", "locked/store"], { cwd, ...user });
    expect(await run.end).toEqual({
      code: ExitCode.failed,
      stdout: "",
      stderr: expect.stringMatching(
        /^whetstone: .+\/locked\/store.*: give write permission,? or name another folder\n$/,
      ),
    });
  });
});

const hasScript = (() => {
  try {
    return execFileSync("script", ["--version"], { encoding: "utf8" }).includes("util-linux");
  } catch {
    return false;
  }
})();

// util-linux's `script` gives the process a terminal of its own.
describe.skipIf(!hasScript)("on a terminal (skipped where util-linux's script is not installed)", PATIENCE, () => {
  const onTerminal = (cwd: string, keys: readonly (readonly [prompt: string, keys: string])[], ...args: string[]) => {
    const run = spawned(["script", "-qefc", `stty cols 120 rows 40; ${shell(...args)}`, "/dev/null"], {
      cwd,
      env: { TERM: "xterm", NO_COLOR: "1" },
    });
    let seen = "";
    const waiting = [...keys];
    run.child.stdout?.on("data", (text: string) => {
      seen += text;
      const [next] = waiting;
      if (!next || !seen.includes(next[0])) return;
      waiting.shift();
      seen = "";
      run.child.stdin?.write(next[1]);
    });
    return run.end;
  };

  it("init asks where the store should be and whether to write a sample", async () => {
    const cwd = temporaryFolder();
    const keys = [
      ["Where should interactions be stored?", "2\r"],
      ["whetstone-sample.mjs", "n"],
    ] as const;
    const run = await onTerminal(cwd, keys, "init");
    expect(run.code).toBe(0);
    expect(readdirSync(cwd).sort()).toEqual([".whetstone2", "whetstone.config.json"]);
  });

  it("init makes nothing when the person leaves with Ctrl-C", async () => {
    const cwd = temporaryFolder();
    const run = await onTerminal(cwd, [["Where should interactions be stored?", "\u0003"]], "init");
    expect(run.code).toBe(ExitCode.interrupted);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it("cleanup removes only after a yes", async () => {
    const cwd = temporaryFolder();
    await recorded(cwd, interaction({ interactionId: "old", timestamp: Date.UTC(2020, 0, 1) }));
    const question = "Remove 1 interaction from before";
    const refused = await onTerminal(cwd, [[question, "n"]], "cleanup", "--days-to-keep", "30");
    expect(refused.code).toBe(ExitCode.failed);
    expect(refused.stdout).toContain("nothing was removed");
    const agreed = await onTerminal(cwd, [[question, "y"]], "cleanup", "--days-to-keep", "30");
    expect(agreed.code).toBe(ExitCode.done);
    expect(agreed.stdout).toContain("removed 1 interaction from before");
  });
});

function foldersAbove(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...foldersAbove(parent)];
}
