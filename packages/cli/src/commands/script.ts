import { existsSync, lstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import {
  generateTrainingScript,
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
  readonly overwrite?: boolean;
}

/** `whetstone script`: generates the Python script that trains on a dataset. */
export function scriptCommand(io: CliIo): Command {
  const command = new Command("script")
    .summary(`generate a training script: ${trainingKinds.join(" or ")}`)
    .description("Generates the Python script that trains a model on a dataset, with its requirements beside it.")
    .helpCommand(false)
    .addHelpText("after", examples(...Object.values(EXAMPLES)));
  for (const kind of trainingKinds) command.addCommand(kindCommand(io, kind));
  return command;
}

const EXAMPLES: Readonly<Record<TrainingKind, readonly [command: string, does: string]>> = {
  sft: ["whetstone script sft --model Qwen/Qwen3-0.6B --set num_epochs=2", "fine-tune a small model for two epochs"],
  dpo: ["whetstone script dpo --sft-model-path ./sft-model", "go on from what the SFT script saved"],
};

function kindCommand(io: CliIo, kind: TrainingKind): Command {
  const command = new Command(kind)
    .summary(`a script for ${kind.toUpperCase()} training`)
    .description(`Generates a script for ${kind.toUpperCase()} training.`)
    .option("--dataset <path>", "the dataset, as seen from where the script will run", `datasets/${kind}.jsonl`)
    .option("-o, --out <file>", "where to write the script; - prints it", `train-${kind}.py`)
    .option("--output-dir <folder>", `where the script saves the model (default: "./${kind}-model")`)
    .option("--model <name>", "the model to start from: a name on the Hugging Face hub, or a folder");
  if (kind === "dpo") {
    command.option("--sft-model-path <folder>", "what an SFT run saved, to start from instead of --model");
  }
  return command
    .option("--config <file>", "training settings as a JSON object")
    .option("--set <key=value>", "one training setting, over those of --config; repeatable", setting)
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
  const text = generateTrainingScript(kind, script);
  if (options.out === "-") {
    await output.writeText(text);
    return ExitCode.done;
  }
  const path = resolve(io.cwd, options.out);
  if (!options.overwrite) refuseExisting(path, ": add --overwrite to replace it, or name another --out");
  const saved = await saveTrainingScript(kind, { ...script, path, overwrite: options.overwrite }).catch((error) => {
    // The settings are known to be good, so what stands in the way is the other file of a script.
    const remedy = ", for other packages: add --overwrite to replace it, or choose another folder with --out";
    if (!options.overwrite) refuseExisting(join(dirname(path), "requirements.txt"), remedy);
    throw error;
  });
  if (output.json) {
    await output.writeJson({
      kind,
      script_path: saved.scriptPath,
      requirements_path: saved.requirementsPath,
      command: saved.command,
    });
    return ExitCode.done;
  }
  const from = relative(io.cwd, path) || path;
  await output.writeLines(
    `written: ${terminalText(from)} and ${terminalText(relative(io.cwd, saved.requirementsPath))}`,
    `train with: ${terminalText(saved.command)}`,
  );
  if (!existsSync(resolve(io.cwd, options.dataset))) {
    await output.note(`note: there is no ${terminalText(options.dataset)} yet: whetstone dataset ${kind} makes one`);
  }
  return ExitCode.done;
}

function refuseExisting(path: string, remedy: string): void {
  if (!lstatSync(path, { throwIfNoEntry: false })) return;
  throw new CliError("OUTPUT_EXISTS", `${path} is there already${remedy}`);
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
