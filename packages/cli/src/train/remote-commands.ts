import { basename, dirname, isAbsolute, join, normalize } from "node:path";
import { CliError } from "../cli-error.js";
import type { TrainingScriptFacts } from "./training-script-facts.js";

/** Where else a training can run. */
export const REMOTES = ["ssh", "slurm", "skypilot", "hf-jobs"] as const;
export type Remote = (typeof REMOTES)[number];

interface RemoteOptions {
  readonly script: string;
  readonly facts: TrainingScriptFacts;
  /** Of the script. */
  readonly flags: readonly string[];
  /** For ssh, as ssh knows it. */
  readonly host: string;
  readonly gpus: number;
  readonly hours: number;
}

/**
 * The shell commands that run a training on another machine: bring there what it reads, start it so that it outlives the
 * connection, watch it, go on after an interruption, and fetch the model. Paths stay what they are in the script, which
 * is why they have to be relative and below the folder the commands are typed in.
 */
export function remoteCommands(remote: Remote, options: RemoteOptions): string {
  const { script, facts, flags, gpus } = options;
  const { config } = facts;
  if (config === null) {
    throw new CliError(
      "INPUT_INVALID",
      `${script} has no CONFIG as whetstone script writes it, so what it reads is not known`,
    );
  }
  const text = (name: string) => (typeof config[name] === "string" ? (config[name] as string) : "");
  const model = text("model");
  const parts: Job = {
    ...options,
    name: basename(script, ".py").replace(/[^\w.-]+/g, "-"),
    reads: [
      carried(script, "the script"),
      carried(text("dataset_path"), "dataset_path"),
      // A base model is a name on the hub or a folder of our own, which has a dot or a slash in front.
      ...(/^\.{0,2}\//.test(model) ? [carried(model, "model")] : []),
      ...(gpus > 1 ? [join(dirname(script), "accelerate"), join(dirname(script), "requirements.txt")] : []),
    ],
    writes: carried(text("output_dir"), "output_dir"),
    start: (more = "") => startCommand(script, [...flags, ...(more ? [more] : [])], gpus),
  };
  return COMMANDS[remote](parts);
}

interface Job extends RemoteOptions {
  readonly name: string;
  readonly reads: readonly string[];
  readonly writes: string;
  start(more?: string): string;
}

const COMMANDS: Readonly<Record<Remote, (job: Job) => string>> = {
  ssh: ({ name, reads, writes, start, host }) => {
    const there = `whetstone/${name}`;
    const session = `tmux new-session -d -s ${name}`;
    const logged = (command: string) => `${command} 2>&1 | tee -a ${name}.log`;
    return lines(
      "# bring everything there; the machine needs rsync, tmux and uv (https://docs.astral.sh/uv)",
      `ssh ${word(host)} ${word(`mkdir -p ${there}`)}`,
      `rsync -az --relative ${words(reads)} ${word(`${host}:${there}/`)}`,
      "# train; it goes on when you hang up",
      `ssh ${word(host)} ${word(`cd ${there} && ${session} ${word(logged(start()))}`)}`,
      "# watch",
      `ssh -t ${word(host)} ${word(`tail -f ${there}/${name}.log`)}`,
      "# after an interruption, go on from the newest checkpoint",
      `ssh ${word(host)} ${word(`cd ${there} && ${session} ${word(logged(start("--resume")))}`)}`,
      "# fetch the model",
      `rsync -az --exclude 'checkpoint-*' --relative ${word(`${host}:${there}/./${writes}`)} ./`,
    );
  },
  slurm: ({ name, writes, start, gpus, hours }) =>
    lines(
      "# in a folder that the nodes share; they need uv (https://docs.astral.sh/uv)",
      `cat > ${name}.sbatch <<'END'`,
      "#!/bin/bash",
      `#SBATCH --job-name=${name}`,
      "#SBATCH --nodes=1",
      `#SBATCH --gpus-per-node=${gpus}`,
      `#SBATCH --cpus-per-task=${8 * gpus}`,
      `#SBATCH --mem=${64 * gpus}G`,
      `#SBATCH --time=${hours}:00:00`,
      `#SBATCH --output=${name}-%j.log`,
      "#SBATCH --requeue",
      "# requeued after a preemption, it goes on from the newest checkpoint",
      `if ls -d ${word(writes)}/checkpoint-* >/dev/null 2>&1; then`,
      `  ${start("--resume")}`,
      "else",
      `  ${start()}`,
      "fi",
      "END",
      `sbatch ${name}.sbatch`,
      "# watch; after an interruption, the same sbatch goes on",
      "squeue --me",
      `tail -f ${name}-*.log`,
    ),
  skypilot: ({ name, reads, writes, start, gpus, hours }) =>
    lines(
      `cat > ${name}.sky.yaml <<'END'`,
      `name: ${name}`,
      "resources:",
      `  accelerators: A100-80GB:${gpus}`,
      "  autostop:",
      "    idle_minutes: 10",
      "file_mounts:",
      ...reads.map((path) => `  ${JSON.stringify(`~/whetstone/${name}/${path}`)}: ${JSON.stringify(`./${path}`)}`),
      "setup: |",
      "  curl -LsSf https://astral.sh/uv/install.sh | sh",
      "run: |",
      `  cd ~/whetstone/${name}`,
      '  export PATH="$HOME/.local/bin:$PATH"',
      `  timeout ${hours}h ${start()}`,
      "END",
      "# rent a machine, bring everything there, train, watch",
      `sky launch -c ${name} ${name}.sky.yaml`,
      "# after an interruption, go on from the newest checkpoint",
      `sky exec ${name} ${word(`cd ~/whetstone/${name} && export PATH="$HOME/.local/bin:$PATH" && ${start("--resume")}`)}`,
      "# fetch the model, and give the machine back",
      `rsync -az --exclude 'checkpoint-*' --relative ${word(`${name}:whetstone/${name}/./${writes}`)} ./`,
      `sky down ${name}`,
    ),
  "hf-jobs": ({ name, reads, writes, start, gpus, hours }) => {
    const flavor = HF_FLAVORS.find(([count]) => count >= gpus)?.[1];
    if (!flavor) throw new CliError("USAGE", `--gpus is ${gpus}; a Hugging Face job has at most 8`);
    const hf = "uvx --from huggingface_hub hf";
    const job = [
      "mkdir /job",
      "cd /job",
      `${hf} download "$WHERE-inputs" --repo-type dataset --local-dir .`,
      // What a job leaves on its disk is gone with it.
      start(),
      `${hf} upload "$WHERE" ${word(writes)} . --private --exclude 'checkpoint-*'`,
    ].join(" && ");
    return lines(
      "# a private dataset repository carries everything there; log in first: hf auth login",
      `export WHERE="$(hf auth whoami --format quiet)/${name}"`,
      'hf repos create "$WHERE-inputs" --repo-type dataset --private --exist-ok',
      ...reads.map((path) => `hf upload "$WHERE-inputs" ${word(path)} ${word(path)} --repo-type dataset`),
      "# train; the model is pushed at the end",
      `hf jobs run --detach --name ${name} --flavor ${flavor} --timeout ${hours}h --secrets HF_TOKEN --env WHERE="$WHERE" \\`,
      `  ghcr.io/astral-sh/uv:python3.12-bookworm bash -c ${word(job)}`,
      "# watch",
      "hf jobs ps",
      "hf jobs logs --follow JOB_ID",
      "# fetch the model",
      `hf download "$WHERE" --local-dir ${word(writes)}`,
    );
  },
};

const HF_FLAVORS = [
  [1, "a100-large"],
  [4, "a100x4"],
  [8, "a100x8"],
] as const;

function startCommand(script: string, flags: readonly string[], gpus: number): string {
  if (gpus === 1) return ["uv run", words([script, ...flags])].join(" ");
  const beside = (name: string) => join(dirname(script), name);
  const accelerate = `accelerate launch --config_file ${word(beside("accelerate/ddp.yaml"))} --num_processes ${gpus}`;
  return `uv run --with-requirements ${word(beside("requirements.txt"))} ${accelerate} ${words([script, ...flags])}`;
}

/** A path as it can be the same on another machine. */
function carried(path: string, name: string): string {
  const tidy = normalize(path);
  if (path !== "" && !isAbsolute(tidy) && !tidy.startsWith("..") && !tidy.startsWith("~"))
    return tidy.replace(/\/$/, "");
  throw new CliError(
    "INPUT_INVALID",
    `${name} is ${JSON.stringify(path)}, which another machine does not have: generate the script with a path below this folder`,
  );
}

const lines = (...all: readonly string[]) => all.join("\n");

const words = (all: readonly string[]) => all.map(word).join(" ");

function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
