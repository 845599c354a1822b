import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFile, readdir, readFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { Command, Option } from "commander";
import { CliError, systemReason } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { ExitCode } from "../exit-code.js";
import { wholeNumber } from "../option-values.js";
import { createProgress } from "../progress.js";
import { terminalText } from "../terminal-text.js";
import { pythonLauncher } from "../train/python-launcher.js";
import { REMOTES, type Remote, remoteCommands } from "../train/remote-commands.js";
import { runTraining } from "../train/run-training.js";
import type { TrainingEvent } from "../train/training-output.js";
import { createRunFolder, RUNS_FOLDER, readRun, type TrainingRun, writeRun } from "../train/training-run.js";
import { datasetFiles, type TrainingScriptFacts, trainingScriptFacts } from "../train/training-script-facts.js";
import { version } from "../version.js";

interface TrainOptions {
  readonly python?: string;
  readonly resume?: string;
  readonly remote?: Remote;
  readonly host: string;
  readonly gpus: number;
  readonly hours: number;
}

/** `whetstone train`: runs a training script, shows how far it is, and writes down what came of it. */
export function trainCommand(io: CliIo): Command {
  return new Command("train")
    .summary("run a training script and keep a record of the run")
    .description(
      "Runs a training script with uv, or without it in an environment of the packages that the script names, shows how\n" +
        `far it is, and writes the run down in ${RUNS_FOLDER}. What stands behind -- goes to the script.\n` +
        "Ctrl-C ends the training; its checkpoints stay, and --resume goes on from the newest.",
    )
    .argument("[script]", "what whetstone script wrote; with --resume the run knows it")
    .argument("[args...]", "flags of the script, behind --: --check, --smoke, --merge")
    .option("--python <path>", "an interpreter that has the packages, in place of uv")
    .option("--resume <run>", "go on with a run that was interrupted or failed")
    .addOption(new Option("--remote <kind>", "print the commands that run it elsewhere").choices(REMOTES))
    .option("--host <address>", "with --remote ssh: the machine, as ssh knows it", "gpu-box")
    .option("--gpus <n>", "with --remote: how many GPUs", wholeNumber(1, 1024), 1)
    .option("--hours <n>", "with --remote: how long it may take", wholeNumber(1, 720), 8)
    .addHelpText(
      "after",
      examples(
        ["whetstone train train-sft.py -- --check", "would it train?"],
        ["whetstone train train-sft.py", "train"],
        ["whetstone train --resume train-sft-20260201-120000", "go on after an interruption"],
        ["whetstone train train-sft.py --remote slurm --gpus 4", "what to type on a cluster"],
      ),
    )
    .action(commandAction(io, run));
}

async function run(context: CommandContext, options: TrainOptions, args: readonly unknown[]): Promise<ExitCode> {
  const { io, output } = context;
  const [given, flags = []] = args as [string | undefined, readonly string[] | undefined];
  if ((given === undefined) === (options.resume === undefined)) {
    throw new CliError("USAGE", "give a script to train with, or --resume with the id of a run; one of the two");
  }
  const earlier = options.resume === undefined ? null : await resumable(io.cwd, options.resume);
  const script = earlier?.script ?? given ?? "";
  const text = await scriptText(io, script);
  const facts = trainingScriptFacts(text);
  if (options.remote !== undefined) {
    const commands = remoteCommands(options.remote, { script, facts, flags, cwd: io.cwd, ...options });
    if (output.json) await output.writeJson({ remote: options.remote, commands });
    else await output.writeText(`${commands}\n`);
    return ExitCode.done;
  }
  return train(context, { script, text, facts, flags: earlier?.args ?? flags, earlier, python: options.python });
}

interface Training {
  readonly script: string;
  readonly text: string;
  readonly facts: TrainingScriptFacts;
  readonly flags: readonly string[];
  readonly earlier: TrainingRun | null;
  readonly python: string | undefined;
}

async function train(context: CommandContext, training: Training): Promise<ExitCode> {
  const { io, output } = context;
  const { script, text, facts, flags, earlier } = training;
  const named = training.python ?? (earlier && earlier.python !== "uv" ? earlier.python : undefined);
  const launcher = await pythonLauncher(
    io,
    { path: script, requirements: facts.requirements },
    {
      python: named,
      onInstall: (folder) => output.note(`installing the script's packages into ${terminalText(folder)}, once`),
    },
  );
  const { config } = facts;
  const outputDir = typeof config?.output_dir === "string" ? config.output_dir : null;
  const dataset = typeof config?.dataset_path === "string" ? await datasetFiles(config.dataset_path, io.cwd) : {};
  let state: TrainingRun = {
    id: earlier?.id ?? (await createRunFolder(io.cwd, basename(script), io.now())),
    status: "running",
    script,
    script_sha256: createHash("sha256").update(text).digest("hex"),
    args: flags,
    cwd: io.cwd,
    python: launcher.name,
    pid: null,
    started_at: earlier?.started_at ?? new Date(io.now()).toISOString(),
    ended_at: null,
    resumed: earlier ? earlier.resumed + 1 : 0,
    exit_code: null,
    step: null,
    steps: null,
    metrics: {},
    dataset,
    output_dir: outputDir,
    config,
    versions: launcher.name === "uv" ? {} : await launcher.versions(facts.requirements),
    git: await gitState(io),
    whetstone: version,
  };
  const folder = join(io.cwd, RUNS_FOLDER, state.id);
  await writeRun(io.cwd, state);
  await output.note(
    `run ${state.id}${earlier ? ", gone on with" : ""}; its record and its output are in ${RUNS_FOLDER}`,
  );

  const resume = earlier && outputDir && (await hasCheckpoint(resolve(io.cwd, outputDir))) ? ["--resume"] : [];
  let pending: Promise<unknown> = Promise.resolve();
  const later = (work: () => Promise<unknown>) => {
    pending = pending.then(work);
  };
  let left: string | null = null;
  const progress = createProgress(io, "training", "steps", () => ({
    done: state.step ?? 0,
    share: state.steps ? (state.step ?? 0) / state.steps : undefined,
    more: [shownMetrics(state.metrics), left && `${left} left`].filter(Boolean).join(", "),
  }));
  const onEvent = (event: TrainingEvent) => {
    if (event.kind === "progress") {
      state = { ...state, step: event.progress.step, steps: event.progress.steps };
      left = event.progress.left;
      return;
    }
    progress.clear();
    if (event.kind === "text") return later(() => output.note(terminalText(event.text)));
    const { step, ...metrics } = event.metrics;
    state = { ...state, metrics: { ...state.metrics, ...metrics } };
    later(() => appendFile(join(folder, "metrics.jsonl"), `${JSON.stringify(event.metrics)}\n`));
    // On a terminal the line that is redrawn says it.
    if (!io.stderr.isTTY) later(() => output.note(`step ${step}: ${shownMetrics(metrics)}`));
  };
  try {
    const end = await runTraining([...launcher.command, script, ...flags, ...resume], {
      cwd: io.cwd,
      env: io.env,
      signal: io.signal,
      log: join(folder, "output.log"),
      onStart: (pid) => {
        state = { ...state, pid };
        const started = state;
        later(() => writeRun(io.cwd, started));
      },
      onEvent,
    });
    await pending;
    const status = end.exitCode === 0 ? "done" : io.signal.aborted ? "interrupted" : "failed";
    state = { ...state, status, exit_code: end.exitCode };
  } finally {
    progress.stop();
    if (state.status === "running") state = { ...state, status: "failed" };
    if (launcher.name === "uv")
      state = { ...state, versions: await launcher.versions(facts.requirements).catch(() => ({})) };
    await writeRun(io.cwd, { ...state, pid: null, ended_at: new Date(io.now()).toISOString() });
  }
  return told(context, state);
}

async function told({ io, output }: CommandContext, run: TrainingRun): Promise<ExitCode> {
  const place = join(RUNS_FOLDER, run.id);
  if (run.status === "interrupted") {
    throw new CliError(
      "INTERRUPTED",
      `interrupted at step ${run.step ?? 0}: whetstone train --resume ${run.id} goes on`,
    );
  }
  if (run.status === "failed") {
    throw new CliError(
      "TRAINING_FAILED",
      `${run.script} ended with exit code ${run.exit_code ?? "none"}: see ${join(place, "output.log")}; whetstone train --resume ${run.id} goes on from the newest checkpoint`,
    );
  }
  if (output.json) {
    await output.writeJson(run);
    return ExitCode.done;
  }
  const metrics = shownMetrics(run.metrics);
  const steps = run.steps === null ? "" : `, ${run.steps} steps`;
  const saved =
    run.steps !== null && run.output_dir
      ? `; the model is in ${terminalText(relative(io.cwd, resolve(io.cwd, run.output_dir)))}`
      : "";
  await output.writeLines(`run ${run.id} is done${steps}${metrics ? `, ${metrics}` : ""}${saved}`);
  return ExitCode.done;
}

const SHOWN = ["loss", "eval_loss", "reward", "rewards/margins", "train_loss"];

function shownMetrics(metrics: Readonly<Record<string, number>>): string {
  return SHOWN.flatMap((name) => {
    const value = metrics[name];
    return value === undefined || (name === "train_loss" && metrics.loss !== undefined)
      ? []
      : [`${name.replace(/^rewards\//, "").replace("_", " ")} ${Number(value.toPrecision(4))}`];
  }).join(", ");
}

async function resumable(cwd: string, id: string): Promise<TrainingRun> {
  const run = await readRun(cwd, id);
  if (run.status === "running") throw new CliError("USAGE", `run ${id} is under way, as process ${run.pid}`);
  if (run.status === "done") throw new CliError("USAGE", `run ${id} is done: there is nothing to go on with`);
  return run;
}

async function scriptText(io: CliIo, script: string): Promise<string> {
  if (!script.endsWith(".py")) {
    throw new CliError(
      "USAGE",
      `${script} is no Python script: give what whetstone script wrote, such as train-sft.py`,
    );
  }
  try {
    return await readFile(resolve(io.cwd, script), "utf8");
  } catch (error) {
    throw new CliError("INPUT_UNREADABLE", `cannot read ${script}: ${systemReason(error)}`, { cause: error });
  }
}

async function hasCheckpoint(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.some((name) => /^checkpoint-\d+$/.test(name));
}

async function gitState({ cwd, env }: CliIo): Promise<TrainingRun["git"]> {
  const git = async (...args: string[]) => (await promisify(execFile)("git", args, { cwd, env: { ...env } })).stdout;
  try {
    const revision = (await git("rev-parse", "HEAD")).trim();
    return { revision, dirty: (await git("status", "--porcelain")).trim() !== "" };
  } catch {
    return null;
  }
}
