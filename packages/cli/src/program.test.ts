import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { ExitCode } from "./exit-code.js";
import { createProgram } from "./program.js";
import { runInProcess, testIo } from "./testing/run-in-process.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

const program = createProgram(testIo({ cwd: "/" }).io);
const COMMANDS = namesOf(program);

describe("help", () => {
  it.each(COMMANDS)("of %s %s shows its usage, the options of every command and examples", async (...words) => {
    const run = await runInProcess([...words, "--help"], { cwd: temporaryFolder() });
    expect(run.exitCode).toBe(ExitCode.done);
    expect(run.stderr).toBe("");
    expect(run.stdout).toMatch(new RegExp(`^Usage: whetstone ${words.join(" ")} `));
    expect(run.stdout).toContain("--store <url>");
    expect(run.stdout).toContain("--json");
    expect(run.stdout).toMatch(new RegExp(`\nExamples:\n {2}# .+\n {2}\\$ whetstone ${words.join(" ")}`));
  });

  it.each(COMMANDS)("of %s %s gives only examples that can be typed", async (...words) => {
    const { stdout } = await runInProcess([...words, "--help"], { cwd: temporaryFolder() });
    const lines = stdout.split("\n").flatMap((line) => /^ {2}\$ (.+)/.exec(line)?.[1]?.split(" | ") ?? []);
    const examples = lines.filter((line) => line.startsWith("whetstone ")).map((line) => line.split(" ").slice(1));
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const command = commandOf(program, example);
      const known = [...program.options, ...command.options].flatMap(({ long, short }) => [long, short]);
      expect(command.commands).toHaveLength(0);
      // Behind -- stands what another command is told.
      const end = example.indexOf("--");
      for (const word of end < 0 ? example : example.slice(0, end)) {
        if (word.startsWith("-") && word !== "-") expect(known).toContain(word);
      }
    }
  });

  it.each(COMMANDS)("of %s %s says something of every option", async (...words) => {
    const { options, registeredArguments } = commandOf(program, words);
    for (const { description } of [...options, ...registeredArguments]) expect(description).not.toBe("");
  });

  it("lists the commands and the exit codes", async () => {
    const run = await runInProcess(["--help"], { cwd: temporaryFolder() });
    for (const [command] of COMMANDS) expect(run.stdout).toMatch(new RegExp(`^ {2}${command} `, "m"));
    expect(run.stdout).toContain("Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done except for some rows");
  });

  it("is what no command at all gives", async () => {
    const run = await runInProcess([], { cwd: temporaryFolder() });
    expect(run).toMatchObject({ exitCode: ExitCode.done, stderr: "" });
    expect(run.stdout).toContain("Usage: whetstone");
  });

  it("gives the version", async () => {
    const run = await runInProcess(["--version"], { cwd: temporaryFolder() });
    expect(run.exitCode).toBe(ExitCode.done);
    expect(run.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("wrong usage", () => {
  it.each([
    [["sttas"], "unknown command 'sttas' (Did you mean stats?). See --help"],
    [["stats", "--frob"], "unknown option '--frob'. See --help"],
    [["stats", "extra"], "too many arguments for 'stats'. Expected 0 arguments but got 1. See --help"],
    [["import"], "missing required argument 'file'. See --help"],
    [["score"], "required option '--scorer <name>' not specified. See --help"],
    [["dataset", "ppo"], "unknown command 'ppo' (Did you mean dpo?). See --help"],
    [
      ["dataset", "sft", "--min-quality", "2"],
      "option '--min-quality <score>' argument '2' is invalid. Give a number from 0 to 1. See --help",
    ],
    [["dataset", "sft", "--group-size", "4"], "unknown option '--group-size'. See --help"],
    [
      ["query", "--order", "up"],
      "option '--order <order>' argument 'up' is invalid. Allowed choices are asc, desc. See --help",
    ],
    [
      ["query", "--limit", "0"],
      "option '--limit <count>' argument '0' is invalid. Give a whole number from 1 on. See --help",
    ],
  ])("%j is told in one sentence, exit code 2", async (args, sentence) => {
    const run = await runInProcess(args, { cwd: temporaryFolder() });
    expect(run).toEqual({ exitCode: ExitCode.usage, stdout: "", stderr: `whetstone: ${sentence}\n` });
  });

  it("shows the kinds when one is missing", async () => {
    const run = await runInProcess(["dataset"], { cwd: temporaryFolder() });
    expect(run.exitCode).toBe(ExitCode.usage);
    expect(run.stderr).toMatch(/Commands:\n {2}sft/);
    expect(run.stderr).toMatch(/whetstone: a command is missing\n$/);
  });
});

describe("errors with --json", () => {
  it.each([
    [["stats", "--frob"], "USAGE"],
    [["--json", "sttas"], "USAGE"],
    [["stats"], "STORE_MISSING"],
    [["stats", "--store", "ftp://x"], "CONFIG_INVALID"],
    [["import", "missing.jsonl"], "INPUT_UNREADABLE"],
  ])("%j is one JSON object on standard error: %s", async (args, code) => {
    const run = await runInProcess([...args, "--json"], { cwd: temporaryFolder() });
    expect(run.stdout).toBe("");
    const lines = run.stderr.trimEnd().split("\n");
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toEqual({ error: { code, message: expect.stringMatching(/^\S.+/) } });
  });
});

describe("the store", () => {
  it.each(["", " ", "file:", "file: ", "file://", "FILE:"])(
    "is never the current folder by accident: %j",
    async (url) => {
      const cwd = temporaryFolder();
      for (const args of [["stats"], ["init", "--yes"], ["cleanup", "--days-to-keep", "0", "--yes"]]) {
        const run = await runInProcess([...args, "--store", url], { cwd });
        expect(run.exitCode).toBe(ExitCode.usage);
        expect(run.stderr).toBe(
          `whetstone: the store ${JSON.stringify(url)} names no folder: give one, such as file:./.whetstone\n`,
        );
      }
      expect(readdirSync(cwd)).toEqual([]);
    },
  );

  it("is refused as well when the settings file names none", async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, "whetstone.config.json"), '{"store": "file:"}');
    const run = await runInProcess(["stats"], { cwd });
    expect(run).toMatchObject({ exitCode: ExitCode.usage, stderr: expect.stringContaining('"file:" names no folder') });
  });

  it("is the one of --store, then of WHETSTONE_URL, then of the settings file, then .whetstone", async () => {
    const cwd = temporaryFolder();
    const where = async (args: readonly string[], env: Record<string, string> = {}) =>
      (await runInProcess(["stats", ...args], { cwd, env })).stderr.match(/no store at (\S+):/)?.[1];
    expect(await where([])).toBe(`${cwd}/.whetstone`);
    await runInProcess(["init", "--yes", "--no-sample", "--store", "./configured"], { cwd });
    expect((await runInProcess(["stats"], { cwd })).exitCode).toBe(ExitCode.done);
    expect(await where([], { WHETSTONE_URL: "file:./from-env" })).toBe(`${cwd}/from-env`);
    expect(await where(["--store", "given"], { WHETSTONE_URL: "file:./from-env" })).toBe(`${cwd}/given`);
  });

  it("may be an empty WHETSTONE_URL, which says nothing", async () => {
    const cwd = temporaryFolder();
    const run = await runInProcess(["stats"], { cwd, env: { WHETSTONE_URL: "" } });
    expect(run.stderr).toContain(`no store at ${cwd}/.whetstone`);
  });

  it("never shows the password of a URL", async () => {
    const run = await runInProcess(["stats", "--store", "redis://me:hunter2@127.0.0.1:1"], { cwd: temporaryFolder() });
    expect(run.exitCode).toBe(ExitCode.failed);
    expect(run.stderr).toContain("127.0.0.1:1");
    expect(run.stderr).not.toContain("hunter2");
  });
});

/** The words of every command, those that only hold others included. */
function namesOf(parent: Command): string[][] {
  return parent.commands.flatMap((command) => [
    [command.name()],
    ...namesOf(command).map((words) => [command.name(), ...words]),
  ]);
}

/** The command that the first words of a line name. */
function commandOf(parent: Command, [word, ...rest]: readonly string[]): Command {
  const child = parent.commands.find((command) => command.name() === word);
  return child ? commandOf(child, rest) : parent;
}
