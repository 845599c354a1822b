import { resolve } from "node:path";
import { type InteractionStore, snakeKeys } from "@whetstone/core";
import {
  type BuildReport,
  buildDpoDataset,
  buildGrpoDataset,
  buildKtoDataset,
  buildOnlineGrpoDataset,
  buildRewardDataset,
  buildSftDataset,
  type DatasetBuild,
  describeReport,
  isReplaceableDataset,
  mixDatasets,
  type SelectOptions,
  type WrittenDataset,
  writeAgentDatasets,
  writeDataset,
} from "@whetstone/datasets";
import { Command, Option } from "commander";
import { CliError } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { counted } from "../counted.js";
import { ExitCode } from "../exit-code.js";
import { fraction, limit, list, weights, wholeNumber } from "../option-values.js";
import { createProgress } from "../progress.js";
import { terminalText } from "../terminal-text.js";
import { datasetDiffCommand } from "./dataset-diff.js";
import { datasetExportCommand } from "./dataset-export.js";

interface DatasetOptions {
  readonly agentType?: readonly string[];
  readonly daysBack?: number;
  readonly format?: "conversational" | "standard";
  readonly controlTokens?: "drop" | "escape" | "keep";
  readonly decontaminate?: readonly string[];
  readonly requireCalibration?: number;
  readonly maxPerUser?: number;
  readonly maxPerSession?: number;
  readonly out: string;
  readonly overwrite?: boolean;
  readonly testShare?: number;
  readonly perAgent?: boolean;
  readonly mix?: ReadonlyMap<string, number>;
  readonly maxSimilarAnswers?: number;
  readonly minQuality?: number;
  readonly maxQuality?: number;
  readonly maxSamples?: number;
  readonly mode?: "messages" | "prompt-completion";
  readonly perTurn?: boolean;
  readonly minQualityDiff?: number;
  readonly maxPairs?: number;
  readonly pairing?: "best-worst" | "all" | "demonstration";
  readonly maxPairsPerPrompt?: number;
  readonly groupSize?: number;
  readonly maxGroups?: number;
  readonly online?: boolean;
  readonly maxPrompts?: number;
  readonly requireReference?: boolean;
}

type Kind = "sft" | "dpo" | "grpo" | "kto" | "reward";

/** `whetstone dataset`: builds a dataset for a training method, or compares two. */
export function datasetCommand(io: CliIo): Command {
  const sft = answersCommand(io, "sft", "good answers, for supervised fine-tuning")
    .option("--min-quality <score>", "an answer scores at least this (default: 0.8)", fraction)
    .option("--max-samples <count>", "at most so many answers, the newest", wholeNumber(1))
    .addOption(new Option("--mode <mode>", "how a row is laid out").choices(["messages", "prompt-completion"]))
    .option("--per-turn", "a row for each assistant turn of a trajectory");
  const dpo = pairsCommand(io, "dpo", "a better and a worse answer to one prompt, for preference training");
  const grpo = kindCommand(io, "grpo", "groups of scored answers to one prompt, for policy optimisation")
    .option("--group-size <count>", "every group has exactly so many answers (default: 4)", wholeNumber(2))
    .option("--max-groups <count>", "at most so many groups", wholeNumber(1))
    .option("--online", "prompts and references alone: the trainer makes the answers")
    .option("--max-prompts <count>", "with --online: at most so many prompts", wholeNumber(1))
    .option("--require-reference", "with --online: only prompts whose right answer is known");
  const kto = answersCommand(io, "kto", "single answers marked as wanted or unwanted, for KTO")
    .option("--min-quality <score>", "a wanted answer scores at least this (default: 0.8)", fraction)
    .option("--max-quality <score>", "an unwanted answer scores at most this (default: 0.5)", fraction)
    .option("--max-samples <count>", "at most so many answers, the newest", wholeNumber(1));
  const reward = pairsCommand(io, "reward", "pairs with the gap of their scores, for a reward model");
  const command = new Command("dataset")
    .summary("build a dataset: sft, dpo, grpo, kto or reward; compare two; or export one")
    .description("Builds a dataset out of scored interactions, and says what was left out and why.")
    .helpCommand(false)
    .addHelpText("after", examples(...Object.values(EXAMPLES)));
  for (const kind of [sft, dpo, grpo, kto, reward]) command.addCommand(kind);
  return command.addCommand(datasetDiffCommand(io)).addCommand(datasetExportCommand(io));
}

const EXAMPLES: Readonly<Record<Kind, readonly [command: string, does: string]>> = {
  sft: ["whetstone dataset sft --min-quality 0.9 --days-back 30", "the best answers of the last thirty days"],
  dpo: ["whetstone dataset dpo --agent-type math --out data/pairs.jsonl", "preference pairs of one agent"],
  grpo: ["whetstone dataset grpo --group-size 8 --overwrite", "groups of eight, over an older file"],
  kto: ["whetstone dataset kto --max-quality 0.3", "wanted answers, and clearly unwanted ones"],
  reward: ["whetstone dataset reward --pairing all --out data/reward", "all pairs with a gap, as a folder"],
};

function kindCommand(io: CliIo, kind: Kind, holds: string): Command {
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
    .option("--per-agent", "a folder of its own for each agent type")
    .option("--mix <weights>", "rows of agent types in a proportion, such as math=3,code=1", weights)
    .option("--decontaminate <file>", "a JSONL file with questions that must not be trained on; repeatable", list)
    .option(
      "--require-calibration <kappa>",
      "judges' scores decide only where calibrate found at least this, such as 0.4",
      fraction,
    )
    .option("--max-per-user <count>", 'at most so many interactions of a user, or "none" (default: 1000)', limit)
    .option("--max-per-session <count>", 'at most so many interactions of a session, or "none" (default: 100)', limit)
    .addOption(
      new Option("--format <format>", "message lists, or plain strings for a base model").choices([
        "conversational",
        "standard",
      ]),
    )
    .addOption(
      new Option("--control-tokens <what>", "texts with chat-template control tokens").choices([
        "drop",
        "escape",
        "keep",
      ]),
    )
    .addHelpText("after", examples(EXAMPLES[kind]))
    .action(commandAction(io, (context, options: DatasetOptions) => run(context, kind, options)));
}

function answersCommand(io: CliIo, kind: Kind, holds: string): Command {
  return kindCommand(io, kind, holds).option(
    "--max-similar-answers <count>",
    'at most so many answers that are alike, or "none" (default: 100)',
    limit,
  );
}

function pairsCommand(io: CliIo, kind: Kind, holds: string): Command {
  return answersCommand(io, kind, holds)
    .option("--min-quality-diff <gap>", "the better answer scores at least so much more (default: 0.2)", fraction)
    .option("--max-pairs <count>", "at most so many pairs", wholeNumber(1))
    .addOption(
      new Option("--pairing <how>", "which answers to a prompt are paired").choices([
        "best-worst",
        "all",
        "demonstration",
      ]),
    )
    .option("--max-pairs-per-prompt <count>", "with --pairing all (default: 4)", wholeNumber(1, 100));
}

async function run(context: CommandContext, kind: Kind, options: DatasetOptions): Promise<ExitCode> {
  const { io, output } = context;
  checkOptions(options);
  const path = await checkedPath(options, io.cwd);
  const { overwrite, testShare, perAgent, agentType: agentTypes, daysBack } = options;
  const writing = { overwrite, testShare, signal: io.signal };
  const written = await context.withStore(
    async (store) => {
      let build: DatasetBuild<object> | undefined;
      const buildFor = (selected: SelectOptions) => {
        build = startBuild(store, kind, options, selected, io.cwd);
        return build;
      };
      const selected = { agentTypes, daysBack, now: io.now() };
      const progress = createProgress(io, `building ${kind}`, "rows", () => ({ done: build?.report.rows ?? 0 }));
      try {
        if (perAgent) return await writeAgentDatasets(store, buildFor, path, { ...selected, ...writing });
        return { written: { "": await writeDataset(mixed(buildFor, selected, options), path, writing) }, empty: {} };
      } finally {
        progress.stop();
      }
    },
    { mustExist: true },
  );
  const datasets = Object.entries(written.written);
  if (output.json) {
    const bodies = datasets.map(([agentType, dataset]) => [agentType, reportBody(dataset)] as const);
    await output.writeJson(perAgent ? { datasets: Object.fromEntries(bodies), empty: written.empty } : bodies[0]?.[1]);
  } else {
    for (const [agentType, dataset] of datasets) {
      await output.writeLines(...(perAgent ? [`${terminalText(agentType)}:`] : []), ...describeWritten(dataset));
    }
    for (const reason of Object.values(written.empty)) await output.writeLines(terminalText(reason));
  }
  return datasets.some(([, { report }]) => (report?.drops.unreadable ?? 0) > 0) ? ExitCode.partly : ExitCode.done;
}

function mixed(
  buildFor: (options: SelectOptions) => DatasetBuild<object>,
  selected: SelectOptions,
  { mix }: DatasetOptions,
): DatasetBuild<object> {
  if (!mix) return buildFor(selected);
  return mixDatasets(
    [...mix].map(([agentType, weight]) => ({ weight, build: buildFor({ ...selected, agentTypes: [agentType] }) })),
  );
}

function startBuild(
  store: InteractionStore,
  kind: Kind,
  options: DatasetOptions,
  selected: SelectOptions,
  cwd: string,
): DatasetBuild<object> {
  const { format, controlTokens, maxPerUser, maxPerSession, maxSimilarAnswers, requireCalibration } = options;
  const decontaminate = options.decontaminate?.map((file) => resolve(cwd, file));
  const common = { ...selected, format, controlTokens, maxPerUser, maxPerSession, decontaminate, requireCalibration };
  switch (kind) {
    case "sft": {
      const { minQuality, maxSamples, mode, perTurn } = options;
      return buildSftDataset(store, { ...common, maxSimilarAnswers, minQuality, maxSamples, mode, perTurn });
    }
    case "kto": {
      const { minQuality, maxQuality, maxSamples } = options;
      return buildKtoDataset(store, { ...common, maxSimilarAnswers, minQuality, maxQuality, maxSamples });
    }
    case "dpo":
    case "reward": {
      const { minQualityDiff, maxPairs, pairing, maxPairsPerPrompt } = options;
      const pairs = { ...common, maxSimilarAnswers, minQualityDiff, maxPairs, pairing, maxPairsPerPrompt };
      return kind === "dpo" ? buildDpoDataset(store, pairs) : buildRewardDataset(store, pairs);
    }
    case "grpo": {
      const { groupSize, maxGroups, online, maxPrompts, requireReference } = options;
      return online
        ? buildOnlineGrpoDataset(store, { ...common, maxPrompts, requireReference })
        : buildGrpoDataset(store, { ...common, groupSize, maxGroups });
    }
  }
}

/** Options that contradict each other. */
function checkOptions({
  online,
  groupSize,
  maxGroups,
  maxPrompts,
  requireReference,
  ...options
}: DatasetOptions): void {
  const { perAgent, mix, agentType } = options;
  const groups = groupSize !== undefined ? "--group-size" : maxGroups !== undefined ? "--max-groups" : null;
  if (online && groups) throw new CliError("USAGE", `--online makes no groups: leave ${groups} out`);
  const prompts = maxPrompts !== undefined ? "--max-prompts" : requireReference ? "--require-reference" : null;
  if (!online && prompts) throw new CliError("USAGE", `${prompts} is for prompts without answers: add --online`);
  if (mix && perAgent) throw new CliError("USAGE", "--mix makes one dataset and --per-agent many: leave one out");
  if (mix && agentType) throw new CliError("USAGE", "--mix names the agent types already: leave --agent-type out");
}

/** Says before any work what `writeDataset` would say after it, and in the words of the command line. */
async function checkedPath({ out, overwrite, testShare, perAgent }: DatasetOptions, cwd: string): Promise<string> {
  if (out.trim() === "") throw new CliError("USAGE", "--out is empty: name a .jsonl file or a folder");
  const option = perAgent ? "--per-agent" : "--test-share";
  if ((testShare !== undefined || perAgent) && out.endsWith(".jsonl")) {
    throw new CliError("USAGE", `${option} needs a folder: name one with --out, without the ending .jsonl`);
  }
  if (testShare === 0 || testShare === 1) {
    throw new CliError("USAGE", `--test-share is ${testShare}: give a number between 0 and 1, such as 0.1`);
  }
  const path = resolve(cwd, out);
  if (overwrite || perAgent || !(await isReplaceableDataset(path))) return path;
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

function describeWritten({ path, files, report }: WrittenDataset): string[] {
  const sentences = report ? describeReport(report).split("; ") : [];
  const shares = Object.entries(files).map(([name, { rows }]) => `${name} has ${counted(rows, "row")}`);
  const written = `written to ${terminalText(path)}`;
  return [
    ...sentences.map(terminalText),
    ...warningsOf(report),
    shares.length > 1 ? `${written}; ${shares.join(", ")}` : written,
  ];
}

/** What a reader should know of a dataset that was written all the same. */
function warningsOf(report: BuildReport | null): string[] {
  const [first] = report?.topContributors ?? [];
  if (!report || !first || first.interactions * 2 <= report.used || report.used < 100) return [];
  const share = Math.round((first.interactions / report.used) * 100);
  return [`${share} % of ${counted(report.used, "interaction")} are of one user: see --max-per-user`];
}
