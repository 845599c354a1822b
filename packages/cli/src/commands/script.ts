import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import {
  type AgentScript,
  agentDatasetsIn,
  generateTrainingScript,
  type SavedTrainingScript,
  saveAgentScripts,
  saveTrainingScript,
  type TrainingConfigInput,
  type TrainingKind,
  trainingKinds,
} from "@whetstone/trainers";
import { Command, InvalidArgumentError } from "commander";
import { CliError, systemReason } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { ExitCode } from "../exit-code.js";
import { list } from "../option-values.js";
import { terminalText } from "../terminal-text.js";

type Settings = Readonly<Record<string, unknown>>;

interface ScriptOptions {
  readonly dataset: string;
  readonly out: string;
  readonly outputDir?: string;
  readonly model?: string;
  readonly sftModelPath?: string;
  readonly config?: string;
  readonly set?: Settings;
  readonly agentType?: readonly string[];
  readonly perAgent?: boolean;
  readonly overwrite?: boolean;
}

/** `whetstone script`: generates the Python script that trains on a dataset. */
export function scriptCommand(io: CliIo): Command {
  const command = new Command("script")
    .summary(`generate a training script: ${trainingKinds.join(", ")}`)
    .description(
      "Generates the Python script that trains a model on a dataset, and beside it its requirements, the same " +
        "training for TRL's own command, files for several GPUs, and how to serve the result.",
    )
    .helpCommand(false)
    .addHelpText("after", examples(...Object.values(EXAMPLES)));
  for (const kind of trainingKinds) command.addCommand(kindCommand(io, kind));
  return command;
}

const EXAMPLES: Readonly<Record<TrainingKind, readonly [command: string, does: string]>> = {
  sft: ["whetstone script sft --model Qwen/Qwen3-0.6B --set num_epochs=2", "fine-tune a small model for two epochs"],
  dpo: ["whetstone script dpo --sft-model-path ./sft-model", "go on from what the SFT script saved"],
  kto: ["whetstone script kto --per-agent", "a script for each agent in the dataset"],
  reward: ["whetstone script reward --dataset datasets/reward", "a model that scores answers"],
  grpo: ["whetstone script grpo --set rewards=numeric", "reward answers whose final number is right"],
  "grpo-offline": ["whetstone script grpo-offline", "learn from logged groups of answers"],
};

const TITLES: Readonly<Record<TrainingKind, string>> = {
  sft: "SFT training: answer as the recorded answers do",
  dpo: "DPO training: prefer the better of two answers",
  kto: "KTO training: learn from answers marked good or bad",
  reward: "a reward model: score answers",
  grpo: "GRPO training: answer recorded prompts anew, scored by reward functions",
  "grpo-offline": "offline training on logged groups of scored answers",
};

/** What the dataset command has to be told to write what a kind trains on. */
const MAKERS: Readonly<Record<TrainingKind, string>> = {
  sft: "sft",
  dpo: "dpo",
  kto: "kto",
  reward: "reward",
  grpo: "grpo --online",
  "grpo-offline": "grpo",
};

function kindCommand(io: CliIo, kind: TrainingKind): Command {
  const command = new Command(kind)
    .summary(`a script for ${TITLES[kind]}`)
    .description(`Generates a script for ${TITLES[kind]}.`)
    .option(
      "--dataset <path>",
      "the dataset, as seen from where the script will run",
      `datasets/${MAKERS[kind].split(" ")[0]}.jsonl`,
    )
    .option("-o, --out <file>", "where to write the script; - prints it", `train-${kind}.py`)
    .option("--output-dir <folder>", `where the script saves the model (default: "./${kind}-model")`)
    .option("--model <name>", "the model to start from: a name on the Hugging Face hub, or a folder");
  if (kind !== "sft") {
    command.option("--sft-model-path <folder>", "what an SFT run saved, to start from instead of --model");
  }
  return command
    .option("--config <file>", "training settings as a JSON object")
    .option("--set <key=value>", "one training setting, over those of --config; repeatable", setting)
    .option("--agent-type <name>", "a script for the rows of this agent type; repeatable", list)
    .option("--per-agent", "a script for each agent type that the dataset has rows of")
    .option("--overwrite", "replace files that are there")
    .addHelpText("after", examples(EXAMPLES[kind]))
    .action(commandAction(io, (context, options: ScriptOptions) => run(context, kind, options)));
}

async function run(context: CommandContext, kind: TrainingKind, options: ScriptOptions): Promise<ExitCode> {
  const { io, output } = context;
  const script = {
    datasetPath: options.dataset,
    outputDir: options.outputDir,
    sftModelPath: options.sftModelPath,
    config: {
      ...(options.config !== undefined && (await readSettings(resolve(io.cwd, options.config)))),
      ...(options.model !== undefined && { baseModel: options.model }),
      ...options.set,
      // The names and values are checked where the script is generated.
    } as TrainingConfigInput,
  };
  const text = generateTrainingScript(kind, { ...script, agentType: options.agentType?.[0] });
  if (options.out === "-") {
    await output.writeText(text);
    return ExitCode.done;
  }
  const path = resolve(io.cwd, options.out);
  const { overwrite } = options;
  const agents = options.perAgent
    ? await agentDatasetsIn(options.dataset, io.cwd)
    : options.agentType?.map((agentType) => ({ agentType }));
  if (agents?.length === 0) {
    throw new CliError("INPUT_EMPTY", `no row of ${options.dataset} names its agent type: leave --per-agent out`);
  }
  const saved = await (agents
    ? saveAgentScripts(kind, { ...script, agents, path, overwrite })
    : saveTrainingScript(kind, { ...script, path, overwrite }).then((one) => [one])
  ).catch((error) => {
    throw existing(error) ?? error;
  });
  if (output.json) {
    const [only] = saved.map(jsonOf);
    await output.writeJson(agents ? { kind, scripts: saved.map(jsonOf) } : { kind, ...only });
    return ExitCode.done;
  }
  for (const one of saved) await output.writeLines(...linesOf(one, io.cwd));
  if (!existsSync(resolve(io.cwd, options.dataset))) {
    const dataset = terminalText(options.dataset);
    await output.note(`note: there is no ${dataset} yet: whetstone dataset ${MAKERS[kind]} makes one`);
  }
  return ExitCode.done;
}

function jsonOf(saved: SavedTrainingScript | AgentScript) {
  return {
    ...("agentType" in saved && { agent_type: saved.agentType }),
    script_path: saved.scriptPath,
    requirements_path: saved.requirementsPath,
    trl_config_path: saved.trlConfigPath,
    accelerate_paths: saved.acceleratePaths,
    serve_path: saved.servePath,
    command: saved.command,
  };
}

function linesOf(saved: SavedTrainingScript, cwd: string): readonly string[] {
  const from = (path: string) => terminalText(relative(cwd, path) || path);
  const accelerate = dirname(saved.acceleratePaths[0] ?? "");
  return [
    `written: ${from(saved.scriptPath)}, and beside it`,
    `  ${from(saved.requirementsPath)}: what pip has to install, where there is no uv`,
    ...(saved.trlConfigPath ? [`  ${from(saved.trlConfigPath)}: the same for trl's own command`] : []),
    `  ${from(accelerate)}: for several GPUs (ddp, fsdp2, zero3, zero2-offload)`,
    `  ${from(saved.servePath)}: how to put the result behind the agent`,
    `train with: ${terminalText(saved.command)}`,
  ];
}

/** A file in the way, told in the words of this command. */
function existing(error: unknown): CliError | undefined {
  const { code, path } = ((error as Error | null)?.cause ?? {}) as NodeJS.ErrnoException;
  if (code !== "EEXIST") return undefined;
  return new CliError(
    "OUTPUT_EXISTS",
    `${path} is there already: add --overwrite to replace it, or choose another folder with --out`,
  );
}

/** Reads `key=value`; the value is JSON where it can be read as JSON, and a text otherwise. */
function setting(text: string, earlier: Settings = {}): Settings {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Give a setting and its value, such as learning_rate=1e-5.");
  const [key, value] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  try {
    return { ...earlier, [key]: JSON.parse(value) };
  } catch {
    return { ...earlier, [key]: value };
  }
}

async function readSettings(path: string): Promise<Settings> {
  let settings: unknown;
  try {
    settings = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    const code = error instanceof SyntaxError ? "INPUT_INVALID" : "INPUT_UNREADABLE";
    throw new CliError(code, `cannot read the settings in ${path}: ${systemReason(error)}`, { cause: error });
  }
  if (typeof settings === "object" && settings !== null && !Array.isArray(settings)) return settings as Settings;
  throw new CliError("INPUT_INVALID", `the settings in ${path} are not a JSON object, such as {"num_epochs": 2}`);
}
