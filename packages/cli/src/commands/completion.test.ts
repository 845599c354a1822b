import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { runInProcess } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

const isInstalled = (shell: string) => spawnSync(shell, ["--version"]).status === 0;

/** A folder with the script and two files to complete. */
async function folderWith(shell: string): Promise<string> {
  const cwd = temporaryFolder();
  const { stdout } = await runInProcess(["completion", shell], { cwd });
  writeFileSync(join(cwd, `whetstone.${shell}`), stdout);
  writeFileSync(join(cwd, "rows one.jsonl"), "");
  return cwd;
}

/** What a line may be gone on with, and words that it may not. */
const LINES: readonly (readonly [line: string, expected: readonly string[]])[] = [
  ["whetstone sc", ["score", "script"]],
  ["whetstone dataset ", ["diff", "dpo", "export", "grpo", "kto", "reward", "sft"]],
  ["whetstone score --scorer c", ["citations", "code"]],
  ["whetstone dataset grpo --max-", ["--max-groups", "--max-per-session", "--max-per-user", "--max-prompts"]],
  ["whetstone --json query --or", ["--order"]],
  ["whetstone completion ", ["bash", "fish", "zsh"]],
  ["whetstone import ro", ["rows one.jsonl"]],
];

describe("whetstone completion", () => {
  it("refuses a shell that it does not know", async () => {
    const run = await runInProcess(["completion", "powershell"], { cwd: temporaryFolder() });
    expect(run).toMatchObject({ exitCode: ExitCode.usage, stdout: "" });
    expect(run.stderr).toContain("Allowed choices are bash, zsh, fish");
  });

  // Where a shell is not installed nothing can be shown of it; `npm test` installs all three where it can.
  it.skipIf(!isInstalled("bash")).each(LINES)("completes %j in bash", async (line, expected) => {
    const cwd = await folderWith("bash");
    const words = line.split(" ");
    const script = `source whetstone.bash; COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")})
      COMP_CWORD=${words.length - 1}; _whetstone; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const said = execFileSync("bash", ["--norc", "-c", script], { cwd, encoding: "utf8" });
    expect(said.trim().split("\n").sort()).toEqual(expected);
  });

  it.skipIf(!isInstalled("fish")).each(LINES)("completes %j in fish", async (line, expected) => {
    const cwd = await folderWith("fish");
    const script = `source whetstone.fish; complete -C '${line}'`;
    const env = { ...process.env, HOME: cwd, XDG_CONFIG_HOME: cwd, XDG_DATA_HOME: cwd };
    const said = execFileSync("fish", ["--no-config", "-c", script], { cwd, encoding: "utf8", env });
    const words = said
      .trim()
      .split("\n")
      .map((each) => each.split("\t")[0]?.replaceAll("\\", ""));
    expect(words.sort()).toEqual(expected);
  });

  it.skipIf(!isInstalled("zsh")).each(LINES)("completes %j in zsh", async (line, expected) => {
    const cwd = await folderWith("zsh");
    writeFileSync(join(cwd, "press-tab.zsh"), PRESS_TAB);
    // Listed are several; a single one is put in its place, with spaces escaped.
    const last = (expected.at(-1) ?? "").replaceAll(" ", "\\ ");
    const said = execFileSync("zsh", ["-f", "press-tab.zsh", line, last], { cwd, encoding: "utf8", timeout: 60_000 });
    for (const word of expected) expect(said).toContain(word.replaceAll(" ", "\\ "));
  });
});

/** Types a line into an interactive zsh on a terminal of its own, presses Tab and reads until the last word shows. */
const PRESS_TAB = `
zmodload zsh/zpty
zpty shell 'PS1= zsh -f -i'
zpty -w shell 'autoload -Uz compinit; compinit -D -u; source ./whetstone.zsh; LISTMAX=0; stty cols 200; PS1=READY; PS1+=">"'
zpty -r shell out '*READY>*'
zpty -w -n shell "$1"$'\\t'
[[ $1 == *' ' || $2 != *' '* ]] && zpty -w -n shell $'\\t'
zpty -r shell out "*\${(b)2}*"
print -r -- "$out"
zpty -d shell
`;
