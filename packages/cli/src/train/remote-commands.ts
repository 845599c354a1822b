import { existsSync } from "node:fs";
import { basename, dirname, isAbsolute, join, normalize, resolve } from "node:path";
import { CliError } from "../cli-error.js";
import type { TrainingScriptFacts } from "./training-script-facts.js";

/** Where else a training can run. */
export const REMOTES = ["ssh", "slurm", "skypilot", "hf-jobs"] as const;
export type Remote = (typeof REMOTES)[number];

interface RemoteOptions {
  readonly script: string;
  readonly facts: TrainingScriptFacts;
  /** The folder that paths start in. */
  readonly cwd: string;
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
  const path = carried(script, "the script");
  const beside = (name: string) => join(dirname(path), name);
  const models = [
    ["model", config.model],
    ["the reward model", at(config, "rewards", "model", "path")],
  ] as const;
  const parts: Job = {
    ...options,
    name: jobName(path),
    reads: [
      path,
      carried(config.dataset_path, "dataset_path"),
      ...models.flatMap(([name, model]) => (isFolder(model, options.cwd) ? [carried(model, name)] : [])),
      ...(gpus > 1 ? [beside("accelerate"), beside("requirements.txt")] : []),
    ],
    writes: carried(config.output_dir, "output_dir"),
    start: (...more) => startCommand(path, [...flags, ...more], gpus),
  };
  return COMMANDS[remote](parts);
}

interface Job extends RemoteOptions {
  readonly name: string;
  readonly reads: readonly string[];
  readonly writes: string;
  start(...more: readonly string[]): string;
}

const COMMANDS: Readonly<Record<Remote, (job: Job) => string>> = {
  ssh: ({ name, reads, writes, start, host }) => {
    if (host.startsWith("-"))
      throw new CliError("USAGE", `--host is ${JSON.stringify(host)}, which ssh takes for an option`);
    const there = `whetstone/${name}`;
    const inSession = (training: string) =>
      ssh(
        `cd ${there} && tmux new-session -d -s ${name} ${word(`${FIND_UV} && ${training} 2>&1 | tee -a ${name}.log`)}`,
      );
    const ssh = (command: string, ...flags: readonly string[]) => words(["ssh", ...flags, host, command]);
    return lines(
      "# bring everything there; the machine needs rsync, tmux and uv (https://docs.astral.sh/uv)",
      ssh(`mkdir -p ${there}`),
      `${rsync(reads)} ${words([...reads.map(besideColon), `${host}:${there}/`])}`,
      "# train; it goes on when you hang up",
      inSession(start()),
      "# watch",
      ssh(`tail -f ${there}/${name}.log`, "-t"),
      "# after an interruption, go on from the newest checkpoint",
      inSession(start("--resume")),
      "# fetch the model",
      fetched(`${host}:${there}`, writes),
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
      FIND_UV,
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
      "envs:",
      '  MORE: ""',
      "file_mounts:",
      ...reads.map((path) => `  ${JSON.stringify(`~/whetstone/${name}/${path}`)}: ${JSON.stringify(`./${path}`)}`),
      "setup: |",
      "  curl -LsSf https://astral.sh/uv/install.sh | sh",
      "run: |",
      `  cd ~/whetstone/${name}`,
      `  ${FIND_UV}`,
      `  timeout ${hours}h ${start()} $MORE`,
      "END",
      "# rent a machine, bring everything there, train, watch",
      `sky launch -c ${name} ${name}.sky.yaml`,
      "# after an interruption, go on from the newest checkpoint",
      `sky exec ${name} ${name}.sky.yaml --env MORE=--resume`,
      "# fetch the model, and give the machine back",
      fetched(`${name}:whetstone/${name}`, writes),
      `sky down ${name}`,
    ),
  "hf-jobs": ({ name, reads, writes, start, gpus, hours }) => {
    const flavor = HF_FLAVORS.find(([count]) => count >= gpus)?.[1];
    if (!flavor) throw new CliError("USAGE", `--gpus is ${gpus}; a Hugging Face job has at most 8`);
    const hf = "uvx --from huggingface_hub hf";
    const job = [
      "mkdir ~/job",
      "cd ~/job",
      `${hf} download "$WHERE-inputs" --repo-type dataset --local-dir .`,
      // What a job leaves on its disk is gone with it.
      start(),
      `${hf} upload "$WHERE" ${word(writes)} . --private --exclude 'checkpoint-*'`,
    ].join(" && ");
    return lines(
      "# a private dataset repository carries everything there; log in first: hf auth login",
      `export WHERE="$(hf auth whoami --format quiet)/${name}"`,
      'hf repos create "$WHERE-inputs" --repo-type dataset --private --exist-ok',
      ...reads.map((path) => `hf upload "$WHERE-inputs" ${words([path, path])} --repo-type dataset`),
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

// Where uv's installer puts it, which a shell that nobody logged in to does not look into.
const FIND_UV = 'export PATH="$HOME/.local/bin:$PATH"';

function startCommand(script: string, flags: readonly string[], gpus: number): string {
  if (gpus === 1) return words(["uv", "run", script, ...flags]);
  const beside = (name: string) => join(dirname(script), name);
  const uv = ["uv", "run", "--no-project", "--with-requirements", beside("requirements.txt")];
  const accelerate = ["accelerate", "launch", "--config_file", beside("accelerate/ddp.yaml")];
  return words([...uv, ...accelerate, "--num_processes", String(gpus), script, ...flags]);
}

/** A job's name as all of these take it: letters, digits and dashes, the first a letter. */
function jobName(script: string): string {
  const tidy = basename(script, ".py").replace(/[^a-zA-Z0-9]+/g, "-");
  return tidy.replace(/^[^a-zA-Z]+|-+$/g, "") || "train";
}

/** A model is a name on the hub, or a folder that says so or that is there. */
const isFolder = (model: unknown, cwd: string): model is string =>
  typeof model === "string" && (/^(\.{0,2}|~|[A-Za-z]:)[\\/]/.test(model) || existsSync(resolve(cwd, model)));

/** What stands in an object within an object. */
const at = (value: unknown, ...keys: readonly string[]): unknown =>
  keys.reduce(
    (within, key) => (typeof within === "object" && within !== null ? Reflect.get(within, key) : undefined),
    value,
  );

/** A path as it can be the same on another machine. */
function carried(path: unknown, name: string): string {
  const tidy = typeof path === "string" && path !== "" ? normalize(path).replace(/\/$/, "") : "..";
  // A line break would end a here-document, and a dash in front make an option of a path.
  if (!isAbsolute(tidy) && !/^(\.\.|~|-|[A-Za-z]:[\\/])|\p{Cc}/u.test(tidy)) return tidy;
  throw new CliError(
    "INPUT_INVALID",
    `${name} is ${JSON.stringify(path)}, which another machine does not have: generate the script with a path below this folder`,
  );
}

const lines = (...all: readonly string[]) => all.join("\n");

const isPlain = (text: string) => /^[\w@%+=:,./-]+$/.test(text);

const word = (text: string) => (isPlain(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

const words = (all: readonly string[]) => all.map(word).join(" ");

/** rsync hands a path to the other side's shell, unless -s tells it not to; not every rsync knows that option. */
const rsync = (paths: readonly string[]) => `rsync ${paths.every(isPlain) ? "-az" : "-azs"} --relative`;

/** What stands in front of a colon would be a host. */
const besideColon = (path: string) => (path.includes(":") ? `./${path}` : path);

const fetched = (place: string, path: string) =>
  `${rsync([path])} --exclude 'checkpoint-*' ${words([`${place}/./${path}`, "./"])}`;
