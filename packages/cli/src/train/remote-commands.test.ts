import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateTrainingScript } from "@whetstone/trainers";
import { describe, expect, it } from "vitest";
import { spawned } from "../testing/spawn-cli.js";
import { temporaryFolder } from "../testing/temporary-folder.js";
import { REMOTES, remoteCommands } from "./remote-commands.js";
import { trainingScriptFacts } from "./training-script-facts.js";

const NASTY = `x "$(touch PWNED)" \`touch PWNED\`; touch PWNED # 'é \\ *`;
const PATHS = { script: `jobs ${NASTY}/train ${NASTY}.py`, dataset: `data: ${NASTY}/sft`, output: `out ${NASTY}` };

const RECORD = `{ printf '%s\\0' "$(basename "$0")" "$@"; printf '\\1'; } >> "$CALLS"`;
/** Programs that we lack here, or that reach other machines: they note their arguments, and run what they were given to run. */
const PROGRAMS = {
  // The real one joins its words, and another shell reads them.
  ssh: `${RECORD}; [ "$1" = -t ] && shift; shift; cd "$HOME" && sh -c "$*"`,
  tmux: `sh -c "\${!#}"`,
  sbatch: `bash "$1"`,
  sky: RECORD,
  // Of \`hf jobs run … bash -c JOB\` the job runs, on the other machine.
  hf: `${RECORD}; case "$*" in "auth whoami"*) echo ann ;; "jobs run"*) cd "$HOME" && bash -c "\${!#}" ;; esac`,
  uv: RECORD,
  uvx: RECORD,
  rsync: RECORD,
  tail: RECORD,
  squeue: RECORD,
};

/** Types the commands for a script with these paths, and gives back what every program was called with. */
async function typed(remote: (typeof REMOTES)[number], gpus: number) {
  const [cwd, home, bin] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
  for (const [name, text] of Object.entries(PROGRAMS)) {
    writeFileSync(join(bin, name), `#!/bin/bash\n${text}\n`, { mode: 0o755 });
  }
  const script = generateTrainingScript("sft", { datasetPath: `./${PATHS.dataset}`, outputDir: `./${PATHS.output}` });
  const commands = remoteCommands(remote, {
    script: PATHS.script,
    facts: trainingScriptFacts(script),
    cwd,
    flags: [],
    host: "gpu-box",
    gpus,
    hours: 8,
  });
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: home, CALLS: join(home, "calls") };
  const run = async (text: string) => {
    const bash = spawned(["bash", "-e", "-o", "pipefail"], { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
    bash.child.stdin?.end(text);
    expect(await bash.end).toMatchObject({ code: 0, stderr: "" });
  };
  await run(commands);
  const task = join(cwd, "train-x-touch-PWNED-touch-PWNED-touch-PWNED.sky.yaml");
  const yaml = remote === "skypilot" ? readFileSync(task, "utf8") : "";
  if (yaml) {
    const block = yaml.split("\nrun: |\n")[1]?.replace(/^ {2}/gm, "") ?? "";
    mkdirSync(join(home, "whetstone", "train-x-touch-PWNED-touch-PWNED-touch-PWNED"), { recursive: true });
    await run(block);
  }
  expect([cwd, home].filter((folder) => existsSync(join(folder, "PWNED")))).toEqual([]);
  const calls = readFileSync(env.CALLS, "utf8").split("\u0001").filter(Boolean);
  return { yaml, calls: calls.map((call) => call.split("\0").slice(0, -1)) };
}

describe.each(REMOTES)("the commands for %s", (remote) => {
  it("hand every program the very paths, whatever stands in them, and run nothing else", async () => {
    const { calls, yaml } = await typed(remote, 1);
    const starts = calls.filter(([program]) => program === "uv");
    for (const start of starts) expect(start.slice(0, 3)).toEqual(["uv", "run", PATHS.script]);
    const resumed = starts.filter((start) => start[3] === "--resume");
    expect([starts.length, resumed.length]).toEqual(remote === "ssh" ? [2, 1] : [1, 0]);

    const named = (...words: string[]) => calls.filter((call) => words.every((word, index) => call[index] === word));
    const { dataset, output } = PATHS;
    if (remote === "ssh") {
      expect(named("rsync")[0]).toEqual([
        "rsync",
        "-azs",
        "--relative",
        PATHS.script,
        `./${dataset}`,
        expect.stringMatching(/^gpu-box:whetstone\/[\w-]+\/$/),
      ]);
    }
    if (remote === "ssh" || remote === "skypilot") {
      expect(named("rsync").at(-1)?.at(-2)).toMatch(/^(gpu-box|train-x[\w-]+):whetstone\/train-x[\w-]+\/\.\//);
      expect(named("rsync").at(-1)?.at(-2)?.endsWith(`/./${output}`)).toBe(true);
    }
    if (remote === "skypilot") {
      const mounts = yaml.split("\nfile_mounts:\n")[1]?.split("\nsetup:")[0]?.split("\n") ?? [];
      expect(mounts.map((line) => JSON.parse(`{${line}}`) as object).map((mount) => Object.values(mount)[0])).toEqual([
        `./${PATHS.script}`,
        `./${dataset}`,
      ]);
    }
    if (remote === "hf-jobs") {
      expect(named("hf", "upload").map((call) => call.slice(3, 5))).toEqual([
        [PATHS.script, PATHS.script],
        [dataset, dataset],
      ]);
      expect(named("uvx").at(-1)?.slice(3)).toEqual(
        ["hf", "upload", expect.stringMatching(/^ann\//), output, ".", "--private", "--exclude", "checkpoint-*"].slice(
          0,
        ),
      );
      expect(named("hf", "download").at(-1)?.slice(-2)).toEqual(["--local-dir", output]);
    }
  });

  it("start several processes through accelerate, with the same paths", async () => {
    const [start] = (await typed(remote, 2)).calls.filter(([program]) => program === "uv");
    const folder = PATHS.script.slice(0, PATHS.script.lastIndexOf("/"));
    expect(start).toEqual(
      ["uv", "run", "--no-project", "--with-requirements", `${folder}/requirements.txt`, "accelerate", "launch"].concat(
        ["--config_file", `${folder}/accelerate/ddp.yaml`, "--num_processes", "2", PATHS.script],
      ),
    );
  });
});
