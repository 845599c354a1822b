import { resolve } from "node:path";
import { snakeKeys } from "@whetstone/core";
import {
  EXPORT_TARGETS,
  type ExportedDataset,
  type ExportTarget,
  exportDataset,
  type LeftOut,
} from "@whetstone/datasets";
import { Argument, Command, Option } from "commander";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { counted } from "../counted.js";
import { datasetPath } from "../dataset-path.js";
import { ExitCode } from "../exit-code.js";
import { terminalText } from "../terminal-text.js";

interface ExportCommandOptions {
  readonly to: ExportTarget;
  readonly out?: string;
  readonly model?: string;
  readonly overwrite?: boolean;
}

/** `whetstone dataset export`: a dataset in the form that a service or a training framework takes. */
export function datasetExportCommand(io: CliIo): Command {
  return new Command("export")
    .summary("write a dataset in the form of a service or a framework")
    .description(
      "Writes a dataset in the form that Together, Fireworks or Azure take as an upload, that Axolotl or LLaMA-Factory\n" +
        "train on, with settings beside it, or as Parquet. Rows that the target would refuse or misread are counted.",
    )
    .addArgument(new Argument("<dataset>", "a folder that a build wrote, or a .jsonl file"))
    .addOption(new Option("--to <target>", "where it goes").choices(EXPORT_TARGETS).makeOptionMandatory())
    .option("-o, --out <path>", "a folder, or a .jsonl file for one file of a service (default: <dataset>-<target>)")
    .option("--model <name>", "axolotl, llama-factory: the base model in the settings (default: Qwen/Qwen3-0.6B)")
    .option("--overwrite", "replace an export that is there")
    .addHelpText(
      "after",
      examples(
        ["whetstone dataset export data/pairs --to together", "preference pairs to upload, in data/pairs-together"],
        ["whetstone dataset export data/good --to axolotl --model Qwen/Qwen3-4B", "with an axolotl.yaml"],
      ),
    )
    .action(commandAction(io, (context, options: ExportCommandOptions, paths) => run(context, options, paths)));
}

async function run(
  { io, output }: CommandContext,
  { to, out, model, overwrite }: ExportCommandOptions,
  [dataset = ""]: readonly string[],
): Promise<ExitCode> {
  const path = datasetPath(io, dataset);
  const target = out ? resolve(io.cwd, out) : `${path.replace(/\.jsonl$/, "")}-${to}`;
  const exported = await exportDataset(path, target, { to, model, overwrite, signal: io.signal });
  if (output.json) {
    const { leftOut, ...body } = exported;
    await output.writeJson({ to, ...body, left_out: snakeKeys(leftOut) });
  } else await output.writeLines(...describe(exported, to).map(terminalText));
  return ExitCode.done;
}

function describe({ rows, path, leftOut, files, warnings }: ExportedDataset, to: ExportTarget): string[] {
  const reasons = Object.entries(leftOut) as [LeftOut, number][];
  const settings = SETTINGS[to];
  return [
    `${counted(rows, "row")} for ${to} in ${Object.keys(files).join(" and ")}`,
    ...reasons.map(([reason, count]) => `left out: ${counted(count, "row")} ${WORDS[reason]}`),
    ...warnings,
    `written to ${path}`,
    ...(settings ? [`settings in ${settings}, which says how to run it`] : []),
  ];
}

const SETTINGS: Readonly<Partial<Record<ExportTarget, string>>> = {
  axolotl: "axolotl.yaml",
  "llama-factory": "llama-factory.yaml",
};

const WORDS: Readonly<Record<LeftOut, string>> = {
  turnOrder: "whose turns come in an order that it does not take",
  toolTurns: "with tool calls, which it does not take in pairs",
  textBesideCall: "with text beside a tool call, which it would lose",
  noForm: "of a kind that it has no form for",
};
