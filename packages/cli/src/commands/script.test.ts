import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

/** The settings that a script will run with. */
function configOf(path: string): Record<string, unknown> {
  const read =
    "import ast,json,sys\nfor n in ast.walk(ast.parse(open(sys.argv[1]).read())):\n" +
    " if isinstance(n,ast.Assign) and n.targets[0].id=='CONFIG': print(json.dumps(json.loads(n.value.args[0].value)))\n";
  return JSON.parse(
    execFileSync("python3", ["-c", read.replace("n.targets[0].id", "getattr(n.targets[0],'id','')"), path], {
      encoding: "utf8",
    }),
  );
}

it("writes a script that compiles, for the dataset the dataset command writes", async () => {
  const cwd = temporaryFolder();
  const report = await runJson(["script", "sft"], { cwd });
  expect(report).toEqual({
    kind: "sft",
    script_path: join(cwd, "train-sft.py"),
    requirements_path: join(cwd, "requirements.txt"),
    trl_config_path: join(cwd, "train-sft.yaml"),
    accelerate_paths: ["ddp", "fsdp2", "zero3", "zero2-offload"].map((name) => join(cwd, "accelerate", `${name}.yaml`)),
    serve_path: join(cwd, "SERVE.md"),
    command: `uv run ${join(cwd, "train-sft.py")}`,
  });
  execFileSync("python3", ["-m", "py_compile", join(cwd, "train-sft.py")]);
  expect(configOf(join(cwd, "train-sft.py"))).toMatchObject({
    dataset_path: "datasets/sft.jsonl",
    output_dir: "./sft-model",
  });
});

it("says that the dataset is not there yet", async () => {
  const cwd = temporaryFolder();
  const run = await runInProcess(["script", "dpo"], { cwd });
  expect(run.exitCode).toBe(ExitCode.done);
  expect(run.stderr).toBe("note: there is no datasets/dpo.jsonl yet: whetstone dataset dpo makes one\n");
  mkdirSync(join(cwd, "datasets"));
  writeFileSync(join(cwd, "datasets", "dpo.jsonl"), "{}\n");
  expect((await runInProcess(["script", "dpo", "--overwrite"], { cwd })).stderr).toBe("");
});

it("says where everything is, and the one command to run", async () => {
  const cwd = temporaryFolder();
  const run = await runInProcess(["script", "grpo", "--set", "rewards=numeric"], { cwd });
  expect(run.stdout.split("\n")).toEqual([
    "written: train-grpo.py, and beside it",
    "  requirements.txt: what pip has to install, where there is no uv",
    "  train-grpo.yaml: the same for trl's own command",
    "  accelerate: for several GPUs (ddp, fsdp2, zero3, zero2-offload)",
    "  SERVE.md: how to put the result behind the agent",
    `train with: uv run ${join(cwd, "train-grpo.py")}`,
    "",
  ]);
  expect(configOf(join(cwd, "train-grpo.py")).rewards).toEqual({ numeric: { weight: 1, tolerance: 1e-6 } });
});

it("writes a script for each agent of the dataset, or for those that are named", async () => {
  const cwd = temporaryFolder();
  const rows = ["math", "code"].map((agent_type) => JSON.stringify({ messages: [], metadata: { agent_type } }));
  writeFileSync(join(cwd, "rows.jsonl"), `${rows.join("\n")}\n`);
  const report = await runJson(["script", "sft", "--dataset", "rows.jsonl", "--per-agent"], { cwd });
  expect(report).toMatchObject({
    kind: "sft",
    scripts: [
      { agent_type: "math", script_path: join(cwd, "train-sft-math.py") },
      { agent_type: "code", script_path: join(cwd, "train-sft-code.py") },
    ],
  });
  expect(configOf(join(cwd, "train-sft-code.py"))).toMatchObject({
    agent_type: "code",
    output_dir: "./sft-model-code",
  });
  await runJson(["script", "dpo", "--agent-type", "rag"], { cwd });
  expect(configOf(join(cwd, "train-dpo-rag.py"))).toMatchObject({ agent_type: "rag" });
  writeFileSync(join(cwd, "rows.jsonl"), "{}\n");
  const none = await runInProcess(["script", "sft", "--dataset", "rows.jsonl", "--per-agent"], { cwd });
  expect(none.stderr).toBe("whetstone: no row of rows.jsonl names its agent type: leave --per-agent out\n");
});

it("takes settings from a file, then from options", async () => {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, "settings.json"), JSON.stringify({ learning_rate: 1e-4, num_epochs: 5, beta: 0.3 }));
  const settings = ["--config", "settings.json", "--set", "num_epochs=2", "--set", "report_to=wandb"];
  await runJson(
    ["script", "dpo", ...settings, "--dataset", "data", "--sft-model-path", "./sft-model", "--output-dir", "out"],
    { cwd },
  );
  expect(configOf(join(cwd, "train-dpo.py"))).toMatchObject({
    model: "./sft-model",
    dataset_path: "data",
    output_dir: "out",
    learning_rate: 1e-4,
    num_train_epochs: 2,
    beta: 0.3,
    report_to: ["wandb"],
  });
});

it("prints the script with --out -, and writes nothing", async () => {
  const cwd = temporaryFolder();
  const run = await runInProcess(["script", "sft", "--model", "Qwen/Qwen3-0.6B", "--out", "-"], { cwd });
  expect(run.exitCode).toBe(ExitCode.done);
  expect(run.stdout).toContain("Qwen/Qwen3-0.6B");
  expect(run.stdout).toContain("def main(");
  expect(existsSync(join(cwd, "train-sft.py"))).toBe(false);
});

it("replaces a script only with --overwrite", async () => {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, "train-sft.py"), "mine");
  const run = await runInProcess(["script", "sft"], { cwd });
  expect(run.exitCode).toBe(ExitCode.failed);
  expect(run.stderr).toMatch(/is there already: add --overwrite/);
  expect(readFileSync(join(cwd, "train-sft.py"), "utf8")).toBe("mine");
});

it("does not replace the requirements of another script, and says how to go on", async () => {
  const cwd = temporaryFolder();
  await runJson(["script", "sft"], { cwd });
  const run = await runInProcess(["script", "dpo", "--set", "report_to=wandb"], { cwd });
  expect(run).toEqual({
    exitCode: ExitCode.failed,
    stdout: "",
    stderr:
      `whetstone: ${join(cwd, "requirements.txt")} is there already: ` +
      "add --overwrite to replace it, or choose another folder with --out\n",
  });
  expect(existsSync(join(cwd, "train-dpo.py"))).toBe(false);
  expect((await runInProcess(["script", "dpo"], { cwd })).exitCode).toBe(ExitCode.done);
});

it.each([
  [["--set", "learning_rate=fast"], ExitCode.usage, /learning_rate is "fast"/],
  [["--set", "learnin_rate=1"], ExitCode.usage, /did you mean learning_?[rR]ate/],
  [["--set", "oops"], ExitCode.usage, /Give a setting and its value/],
  [["--config", "gone.json"], ExitCode.failed, /cannot read the settings in \S+gone\.json: it does not exist/],
  [["--out", "script.txt"], ExitCode.usage, /ends in \.py/],
  [["--sft-model-path", "x"], ExitCode.usage, /unknown option '--sft-model-path'/],
])("%j is told in one sentence", async (options, exitCode, sentence) => {
  const cwd = temporaryFolder();
  const run = await runInProcess(["script", "sft", ...options], { cwd });
  expect(run.exitCode).toBe(exitCode);
  expect(run.stderr).toMatch(sentence);
  expect(run.stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(existsSync(join(cwd, "train-sft.py"))).toBe(false);
});

it("keeps hostile settings inside one string of the script", async () => {
  const cwd = temporaryFolder();
  const run = await runInProcess(["script", "sft", "--set", 'run_name="""\nimport os;os.system("x")'], { cwd });
  if (run.exitCode === ExitCode.done) {
    execFileSync("python3", ["-m", "py_compile", join(cwd, "train-sft.py")]);
    expect(readFileSync(join(cwd, "train-sft.py"), "utf8")).not.toMatch(/^import os;/m);
  } else expect(run.exitCode).toBe(ExitCode.usage);
});
