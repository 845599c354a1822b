import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateTrainingScript } from "@whetstone/trainers";
import { describe, expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { runInProcess, runJson } from "../testing/run-in-process.js";
import { command, spawned } from "../testing/spawn-cli.js";
import { temporaryFolder } from "../testing/temporary-folder.js";
import type { TrainingRun } from "../train/training-run.js";

/** A folder with a dataset and a script that behaves as the generated ones do, and needs Python alone. */
function trainingFolder({ steps = 12, seconds = 0, failsAt = 0 } = {}): string {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, "data"));
  writeFileSync(join(cwd, "data", "train.jsonl"), '{"messages":[]}\n');
  writeFileSync(
    join(cwd, "train-sft.py"),
    `# /// script
# requires-python = ">=3.10"
# dependencies = [
# ]
# ///
import json, os, sys, time
from pathlib import Path
CONFIG = json.loads(r"""
{
  "model": "Qwen/Qwen3-0.6B",
  "dataset_path": "data",
  "output_dir": "sft-model"
}
""")
out = Path(CONFIG["output_dir"])
first = max((int(p.name.split("-")[1]) for p in out.glob("checkpoint-*")), default=0) if "--resume" in sys.argv else 0
print("flags:", " ".join(sys.argv[1:]), "first:", first)
for step in range(first + 1, ${steps} + 1):
    time.sleep(${seconds})
    sys.stderr.write(f"\\r{100 * step // ${steps}:3d}%|####      | {step}/${steps} [00:01<00:09,  3.41it/s]")
    if step % 4 == 0:
        (out / f"checkpoint-{step}").mkdir(parents=True, exist_ok=True)
    if step % 2 == 0:
        print({"loss": str(1 / step), "reward": str(step / 10), "epoch": "1"})
    if step == ${failsAt} and not first:
        sys.exit("out of memory")
`,
  );
  return cwd;
}

const env = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "" };
const python = ["--python", "python3"];
const runs = async (cwd: string): Promise<TrainingRun[]> => {
  const { stdout } = await runInProcess(["runs", "--json"], { cwd, env });
  return stdout.trim() === ""
    ? []
    : stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as TrainingRun);
};

describe("whetstone train", () => {
  it("runs a script, tells how far it is, and writes down what it was made of and what came out", async () => {
    const cwd = trainingFolder();
    const { exitCode, stdout, stderr } = await runInProcess(["train", "train-sft.py", ...python], { cwd, env });
    expect(stderr).toContain("flags:");
    expect(stderr).toContain("step 12: loss 0.08333, reward 1.2");
    expect(exitCode).toBe(ExitCode.done);
    expect(stdout).toMatch(
      /^run train-sft-20260201-120000 is done, 12 steps, loss 0.08333, reward 1.2; the model is in sft-model\n$/,
    );

    const [run] = await runs(cwd);
    const sha256 = createHash("sha256").update('{"messages":[]}\n').digest("hex");
    expect(run).toMatchObject({
      id: "train-sft-20260201-120000",
      status: "done",
      step: 12,
      steps: 12,
      exit_code: 0,
      metrics: { loss: 1 / 12, reward: 1.2 },
      dataset: { train: { path: "data/train.jsonl", sha256, bytes: 16 } },
      config: { model: "Qwen/Qwen3-0.6B" },
      output_dir: "sft-model",
      versions: { python: expect.stringMatching(/^3\.\d+/) },
    });
    const folder = join(cwd, ".whetstone", "runs", run?.id ?? "");
    const metrics = readFileSync(join(folder, "metrics.jsonl"), "utf8").trim().split("\n");
    expect(metrics.map((line) => (JSON.parse(line) as { step: number }).step)).toEqual([2, 4, 6, 8, 10, 12]);
    expect(readFileSync(join(folder, "output.log"), "utf8")).toContain("flags:");
    expect(readdirSync(folder).sort()).toEqual(["metrics.jsonl", "output.log", "run.json"]);
  });

  it("writes down the git revision that it was started at, and whether files had changed since", async () => {
    const cwd = trainingFolder();
    const git = (...args: string[]) => execFileSync("git", args, { cwd, encoding: "utf8", stdio: "pipe" }).trim();
    git("init", "--quiet");
    git("add", ".");
    git("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "commit", "--quiet", "--message", "data");
    const revision = git("rev-parse", "HEAD");
    await runInProcess(["train", "train-sft.py", ...python], { cwd, env });
    expect((await runs(cwd))[0]?.git).toEqual({ revision, dirty: false });
    // By now the model is there.
    await runInProcess(["train", "train-sft.py", ...python], { cwd, env, now: Date.UTC(2026, 2, 2) });
    expect((await runs(cwd))[0]?.git).toEqual({ revision, dirty: true });
  });

  it("leaves room for a store in the folder that its runs are in", async () => {
    const cwd = trainingFolder();
    await runInProcess(["train", "train-sft.py", ...python], { cwd, env });
    await recorded(cwd, interaction({}));
    expect(await runJson(["stats"], { cwd, env })).toMatchObject({ total_interactions: 1 });
    expect(await runs(cwd)).toHaveLength(1);
  });

  it("shows the step, the loss and the time that is left on a terminal", async () => {
    const cwd = trainingFolder({ steps: 20, seconds: 0.1 });
    const { stderr } = await runInProcess(["train", "train-sft.py", ...python], { cwd, env, isTTY: true });
    expect(stderr).toMatch(/training: \d+ steps \(\d+ %\), loss 0\.\d+, reward 1\.\d, 00:09 left/);
    expect(stderr).not.toContain("step 12: loss");
  });

  it("passes Ctrl-C on, keeps the checkpoint, and goes on from there", async () => {
    const cwd = trainingFolder({ steps: 60, seconds: 0.1 });
    const { child, end } = spawned([...command, "train", "train-sft.py", ...python], { cwd });
    await new Promise<void>((resolve) => {
      let seen = "";
      child.stderr?.on("data", (text: string) => {
        seen += text;
        if (seen.includes("step 8:")) resolve();
      });
    });
    child.kill("SIGINT");
    const { code, stderr } = await end;
    expect(code).toBe(130);
    const [interrupted] = await runs(cwd);
    expect(interrupted).toMatchObject({ status: "interrupted", steps: 60, pid: null });
    expect(stderr).toContain(`whetstone train --resume ${interrupted?.id} goes on`);
    expect(readdirSync(join(cwd, "sft-model"))).toContain("checkpoint-8");

    const resumed = await runJson<TrainingRun>(["train", "--resume", interrupted?.id ?? "", ...python], { cwd, env });
    expect(resumed).toMatchObject({ id: interrupted?.id, status: "done", resumed: 1, step: 60 });
    const log = readFileSync(join(cwd, ".whetstone", "runs", resumed.id, "output.log"), "utf8");
    expect(log).toMatch(/flags: --resume first: (8|12|16)\n/);
    expect(await runs(cwd)).toHaveLength(1);
    const again = await runInProcess(["train", "--resume", resumed.id], { cwd, env });
    expect([again.exitCode, again.stderr]).toEqual([
      2,
      expect.stringContaining("is done: there is nothing to go on with"),
    ]);
  });

  it("tells where to look when a script fails, and goes on with it", async () => {
    const cwd = trainingFolder({ failsAt: 6 });
    const { exitCode, stderr } = await runInProcess(["train", "train-sft.py", ...python], { cwd, env });
    expect(exitCode).toBe(ExitCode.failed);
    expect(stderr).toContain("out of memory");
    expect(stderr).toMatch(/exit code 1: see \.whetstone\/runs\/[\w-]+\/output\.log/);
    const [failed] = await runs(cwd);
    expect(failed).toMatchObject({ status: "failed", exit_code: 1, step: 6 });
    expect(await runJson(["train", "--resume", failed?.id ?? "", ...python], { cwd, env })).toMatchObject({
      status: "done",
    });
  });

  it("makes an environment of the script's packages where there is no uv, once", async () => {
    const cwd = trainingFolder();
    const bin = temporaryFolder();
    // A PATH with Python on it and nothing else.
    const { stdout: path } = await spawned(["python3", "-c", "import sys; print(sys.executable, end='')"], {}).end;
    writeFileSync(join(bin, "python3"), `#!/bin/sh\nexec '${path}' "$@"\n`, { mode: 0o755 });
    const bare = { PATH: bin, HOME: cwd, XDG_CACHE_HOME: join(cwd, "cache") };
    const first = await runInProcess(["train", "train-sft.py"], { cwd, env: bare });
    expect(first.stderr).toMatch(/installing the script's packages into .*train-venv-[0-9a-f]{16}, once/);
    expect(first.exitCode).toBe(ExitCode.done);
    const second = await runInProcess(["train", "train-sft.py", "--", "--merge"], { cwd, env: bare });
    expect(second.stderr).not.toContain("installing");
    expect(second.stderr).toContain("flags: --merge");
    expect((await runs(cwd))[0]?.python).toMatch(/train-venv-[0-9a-f]{16}\/bin\/python$/);
  });

  it.each([
    [["train"], 2, "give a script to train with, or --resume"],
    [["train", "train.sh"], 2, "train.sh is no Python script"],
    [["train", "absent.py"], 1, "cannot read absent.py: it does not exist"],
    [["train", "--resume", "../../etc"], 2, "is no run"],
    [["train", "--resume", "absent"], 1, "there is no run absent"],
    [["train", "train-sft.py", "--python", "./no-python"], 1, "--python ./no-python does not run"],
  ] as const)("refuses %j", async (args, code, message) => {
    const cwd = trainingFolder();
    const { exitCode, stderr } = await runInProcess(args, { cwd, env });
    expect(stderr).toContain(message);
    expect(exitCode).toBe(code);
    expect(await runs(cwd)).toEqual([]);
  });
});

describe("whetstone train --remote", () => {
  const folder = (options = {}) => {
    const cwd = temporaryFolder();
    mkdirSync(join(cwd, "jobs"));
    const script = generateTrainingScript("sft", {
      datasetPath: "./datasets/sft",
      outputDir: "./sft-model",
      ...options,
    });
    writeFileSync(join(cwd, "jobs", "train-sft.py"), script);
    return cwd;
  };
  const remote = async (kind: string, ...more: string[]) =>
    runInProcess(["train", "jobs/train-sft.py", "--remote", kind, ...more], { cwd: folder(), env });

  it.each([
    [
      "ssh",
      [
        "rsync -az --relative jobs/train-sft.py datasets/sft ann@gpu:whetstone/train-sft/",
        `ssh ann@gpu 'cd whetstone/train-sft && tmux new-session -d -s train-sft '\\''export PATH="$HOME/.local/bin:$PATH" && uv run jobs/train-sft.py 2>&1 | tee -a train-sft.log'\\'''`,
        "rsync -az --relative --exclude 'checkpoint-*' ann@gpu:whetstone/train-sft/./sft-model ./",
      ],
    ],
    [
      "slurm",
      [
        "#SBATCH --gpus-per-node=1",
        "#SBATCH --time=8:00:00",
        "  uv run jobs/train-sft.py --resume",
        "sbatch train-sft.sbatch",
      ],
    ],
    [
      "skypilot",
      ["  accelerators: A100-80GB:1", '  "~/whetstone/train-sft/datasets/sft": "./datasets/sft"', "sky down train-sft"],
    ],
    [
      "hf-jobs",
      [
        "hf jobs run --detach --name train-sft --flavor a100-large --timeout 8h",
        'hf download "$WHERE" --local-dir sft-model',
      ],
    ],
  ])("prints what to type for %s", async (kind, expected) => {
    const { exitCode, stdout, stderr } = await remote(kind, "--host", "ann@gpu");
    expect([exitCode, stderr]).toEqual([ExitCode.done, ""]);
    for (const line of expected) expect(stdout).toContain(line);
    const shell = spawned(["bash", "-n"], { stdio: ["pipe", "pipe", "pipe"] });
    shell.child.stdin?.end(stdout);
    expect(await shell.end).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("uses several GPUs through accelerate, with the file beside the script", async () => {
    const { stdout } = await remote("slurm", "--gpus", "4");
    expect(stdout).toContain(
      "uv run --no-project --with-requirements jobs/requirements.txt accelerate launch --config_file jobs/accelerate/ddp.yaml --num_processes 4 jobs/train-sft.py",
    );
    const skypilot = await remote("skypilot", "--gpus", "8");
    expect(skypilot.stdout).toContain('"~/whetstone/train-sft/jobs/accelerate": "./jobs/accelerate"');
    expect((await remote("hf-jobs", "--gpus", "16")).stderr).toContain("a Hugging Face job has at most 8");
  });

  it("brings along a model that is a folder, and a reward model that is one", async () => {
    const cwd = folder();
    const rewards = { numeric: {}, model: { path: "./reward-model" } };
    const script = generateTrainingScript("grpo", {
      datasetPath: "./datasets/grpo",
      sftModelPath: "sft-model", // as it is written, a name on the hub as well
      config: { rewards },
    });
    mkdirSync(join(cwd, "sft-model"));
    writeFileSync(join(cwd, "train-grpo.py"), script);
    const { stdout } = await runInProcess(["train", "train-grpo.py", "--remote", "ssh"], { cwd, env });
    expect(stdout).toContain("--relative train-grpo.py datasets/grpo sft-model reward-model gpu-box:whetstone/");
  });

  it.each([
    [{ datasetPath: "/data/sft" }, 'dataset_path is "/data/sft", which another machine does not have'],
    [{ outputDir: "../out" }, 'output_dir is "../out", which'],
    [{ outputDir: "./-rf" }, 'output_dir is "./-rf", which'],
    [{ config: { baseModel: "~/models/mine" } }, 'model is "~/models/mine", which'],
  ])("refuses a script with what another machine does not have: %j", async (options, message) => {
    const args = ["train", "jobs/train-sft.py", "--remote", "ssh"];
    const { exitCode, stderr } = await runInProcess(args, { cwd: folder(options), env });
    expect(exitCode).toBe(ExitCode.failed);
    expect(stderr).toContain(message);
  });

  it("refuses a path with a line break, which only a script that others have written can hold", async () => {
    const cwd = folder();
    const script = generateTrainingScript("sft", { datasetPath: "./data" }).replace("./data", "./data\\nEND\\nid");
    writeFileSync(join(cwd, "jobs", "train-sft.py"), script);
    const { stderr } = await runInProcess(["train", "jobs/train-sft.py", "--remote", "slurm"], { cwd, env });
    expect(stderr).toContain('dataset_path is "./data\\nEND\\nid", which another machine does not have');
  });

  it("refuses a host that ssh would take for an option", async () => {
    const { exitCode, stderr } = await remote("ssh", "--host=-oProxyCommand=id");
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--host is "-oProxyCommand=id", which ssh takes for an option');
  });
});

describe("whetstone runs", () => {
  it("lists the newest first, and says when there is none", async () => {
    const cwd = trainingFolder();
    expect((await runInProcess(["runs"], { cwd, env })).stdout).toContain("no run yet in .whetstone/runs");
    await runInProcess(["train", "train-sft.py", ...python], { cwd, env, now: Date.UTC(2026, 0, 1) });
    await runInProcess(["train", "train-sft.py", ...python], { cwd, env, now: Date.UTC(2026, 0, 2) });
    await runInProcess(["train", "train-sft.py", ...python], { cwd, env, now: Date.UTC(2026, 0, 2) });
    const { stdout } = await runInProcess(["runs"], { cwd, env });
    expect(stdout.split("\n")[0]).toMatch(/^run +status +started +steps +loss +reward +dataset +model$/);
    expect(stdout).toMatch(
      /^train-sft-20260102-000000(-[0-9a-f]{4})? +done +2026-01-02 00:00 +12\/12 +0\.08333 +1\.2 +[0-9a-f]{12} +sft-model$/m,
    );
    expect((await runs(cwd)).map(({ id }) => id.slice(0, 18))).toEqual([
      "train-sft-20260102",
      "train-sft-20260102",
      "train-sft-20260101",
    ]);
  });
});
