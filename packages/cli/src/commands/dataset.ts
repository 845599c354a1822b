import { resolve } from "node:path";
import { type InteractionStore, snakeKeys } from "@whetstone/core";
import {
  buildDpoDataset,
  buildGrpoDataset,
  buildSftDataset,
  type DatasetBuild,
  type DatasetKind,
  describeReport,
  isReplaceableDataset,
  type WrittenDataset,
  writeDataset,
} from "@whetstone/datasets";
import { Command, Option } from "commander";
import { CliError } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { ExitCode } from "../exit-code.js";
import { fraction, list, wholeNumber } from "../option-values.js";
import { createProgress } from "../progress.js";
import { terminalText } from "../terminal-text.js";

interface DatasetOptions {
  readonly agentType?: readonly string[];
  readonly daysBack?: number;
  readonly format?: "conversational" | "standard";
  readonly controlTokens?: "drop" | "keep";
  readonly out: string;
  readonly overwrite?: boolean;
  readonly testShare?: number;
  readonly minQuality?: number;
  readonly maxSamples?: number;
  readonly mode?: "messages" | "prompt-completion";
  readonly minQualityDiff?: number;
  readonly maxPairs?: number;
  readonly groupSize?: number;
  readonly maxGroups?: number;
}

/** `whetstone dataset`: builds a dataset file for a training method. */
export function datasetCommand(io: CliIo): Command {
  const sft = kindCommand(io, "sft", "good answers, for supervised fine-tuning")
    .option("--min-quality <score>", "an answer scores at least this (default: 0.8)", fraction)
    .option("--max-samples <count>", "at most so many rows, the newest", wholeNumber(1))
    .addOption(new Option("--mode <mode>", "how a row is laid out").choices(["messages", "prompt-completion"]));
  const dpo = kindCommand(io, "dpo", "a better and a worse answer to one prompt, for preference training")
    .option("--min-quality-diff <gap>", "the better answer scores at least so much more (default: 0.2)", fraction)
    .option("--max-pairs <count>", "at most so many pairs", wholeNumber(1));
  const grpo = kindCommand(io, "grpo", "groups of scored answers to one prompt, for policy optimisation")
    .option("--group-size <count>", "every group has exactly so many answers (default: 4)", wholeNumber(2))
    .option("--max-groups <count>", "at most so many groups", wholeNumber(1));
  const command = new Command("dataset")
    .summary("build a dataset: sft, dpo or grpo")
    .description("Builds a dataset file out of scored interactions, and says what was left out and why.")
    .helpCommand(false)
    .addHelpText("after", examples(...Object.values(EXAMPLES)));
  for (const kind of [sft, dpo, grpo]) command.addCommand(kind);
  return command;
}

const EXAMPLES: Readonly<Record<DatasetKind, readonly [command: string, does: string]>> = {
  sft: ["whetstone dataset sft --min-quality 0.9 --days-back 30", "the best answers of the last thirty days"],
  dpo: ["whetstone dataset dpo --agent-type math --out data/pairs.jsonl", "preference pairs of one agent"],
  grpo: ["whetstone dataset grpo --group-size 8 --overwrite", "groups of eight, over an older file"],
};

function kindCommand(io: CliIo, kind: DatasetKind, holds: string): Command {
  return new Command(kind)
    .summary(holds)
    .description(`Builds a dataset of ${holds}.`)
    .option("--agent-type <name>", "only this agent type; repeatable", list)
    .option("--days-back <days>", "only the last so many days", wholeNumber(1))
    .option(
      "-o, --out <path>",
      "a .jsonl file, or a folder with a dataset card and a manifest",
      `datasets/${kind}.jsonl`,
    )
    .option("--overwrite", "replace a dataset that is there")
    .option("--test-share <share>", "folders: the share of prompts that goes to test.jsonl, such as 0.1", fraction)
    .addOption(
      new Option("--format <format>", "message lists, or plain strings for a base model").choices([
        "conversational",
        "standard",
      ]),
    )
    .addOption(
      new Option("--control-tokens <what>", "texts with chat-template control tokens").choices(["drop", "keep"]),
    )
    .addHelpText("after", examples(EXAMPLES[kind]))
    .action(commandAction(io, (context, options: DatasetOptions) => run(context, kind, options)));
}

async function run(context: CommandContext, kind: DatasetKind, options: DatasetOptions): Promise<ExitCode> {
  const { io, output } = context;
  const path = await checkedPath(options, io.cwd);
  const written = await context.withStore(
    async (store) => {
      const build = startBuild(store, kind, options, io.now());
      const progress = createProgress(io, `building ${kind}`, "rows", () => ({ done: build.report.rows }));
      try {
        const { overwrite, testShare } = options;
        return await writeDataset(build, path, { overwrite, testShare, signal: io.signal });
      } finally {
        progress.stop();
      }
    },
    { mustExist: true },
  );
  if (output.json) await output.writeJson(reportBody(written));
  else await output.writeLines(...describeWritten(written));
  return ExitCode.done;
}

function startBuild(
  store: InteractionStore,
  kind: DatasetKind,
  { agentType, daysBack, format, controlTokens, ...options }: DatasetOptions,
  now: number,
): DatasetBuild<object> {
  const common = { agentTypes: agentType, daysBack, format, controlTokens, now };
  switch (kind) {
    case "sft": {
      const { minQuality, maxSamples, mode } = options;
      return buildSftDataset(store, { ...common, minQuality, maxSamples, mode });
    }
    case "dpo": {
      const { minQualityDiff, maxPairs } = options;
      return buildDpoDataset(store, { ...common, minQualityDiff, maxPairs });
    }
    case "grpo": {
      const { groupSize, maxGroups } = options;
      return buildGrpoDataset(store, { ...common, groupSize, maxGroups });
    }
  }
}

/** Says before any work what `writeDataset` would say after it, and in the words of the command line. */
async function checkedPath({ out, overwrite, testShare }: DatasetOptions, cwd: string): Promise<string> {
  if (out.trim() === "") throw new CliError("USAGE", "--out is empty: name a .jsonl file or a folder");
  if (testShare !== undefined && out.endsWith(".jsonl")) {
    throw new CliError("USAGE", "--test-share needs a folder: name one with --out, without the ending .jsonl");
  }
  if (testShare === 0 || testShare === 1) {
    throw new CliError("USAGE", `--test-share is ${testShare}: give a number between 0 and 1, such as 0.1`);
  }
  const path = resolve(cwd, out);
  if (overwrite || !(await isReplaceableDataset(path))) return path;
  throw new CliError("OUTPUT_EXISTS", `${path} is there already: add --overwrite to replace it, or name another --out`);
}

function reportBody({ path, rows, bytes, sha256, report }: WrittenDataset): Record<string, unknown> {
  return {
    kind: report?.kind,
    rows,
    path,
    bytes,
    sha256,
    considered: report?.considered,
    used: report?.used,
    unused: report?.unused,
    prompts: report?.prompts,
    drops: snakeKeys(Object.fromEntries(Object.entries(report?.drops ?? {}).filter(([, dropped]) => dropped > 0))),
    score_sources: report?.scoreSources,
  };
}

function describeWritten({ path, report }: WrittenDataset): string[] {
  const sentences = report ? describeReport(report).split("; ") : [];
  return [...sentences.map(terminalText), `written to ${terminalText(path)}`];
}
