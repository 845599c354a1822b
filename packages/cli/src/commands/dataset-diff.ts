import { snakeKeys } from "@whetstone/core";
import { type DatasetDiff, type DiffReason, diffDatasets } from "@whetstone/datasets";
import { Argument, Command } from "commander";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { count, counted } from "../counted.js";
import { datasetPath } from "../dataset-path.js";
import { ExitCode } from "../exit-code.js";
import { wholeNumber } from "../option-values.js";
import { terminalText } from "../terminal-text.js";

interface DiffCommandOptions {
  readonly examples?: number;
  readonly ask?: boolean;
}

/** `whetstone dataset diff`: which rows one dataset has and the other has not, and why. */
export function datasetDiffCommand(io: CliIo): Command {
  return new Command("diff")
    .summary("compare two datasets: rows added, removed, and why")
    .description("Compares two datasets of one kind: which rows were added and removed, and why.")
    .addArgument(new Argument("<a>", "the dataset before: a folder that a build wrote, or a .jsonl file"))
    .addArgument(new Argument("<b>", "the dataset after"))
    .option("--ask", "look the interactions of removed rows up in the store")
    .option("--examples <count>", "how many rows of each change to name (default: 5)", wholeNumber(0))
    .addHelpText("after", examples(["whetstone dataset diff data/monday data/tuesday", "what a day has changed"]))
    .action(commandAction(io, (context, options: DiffCommandOptions, paths) => run(context, options, paths)));
}

async function run(
  context: CommandContext,
  { ask, examples: most }: DiffCommandOptions,
  [a = "", b = ""]: readonly string[],
): Promise<ExitCode> {
  const { io, output } = context;
  const [before, after] = [datasetPath(io, a), datasetPath(io, b)];
  const diff = ask
    ? await context.withStore((store) => diffDatasets(before, after, { store, examples: most }), { mustExist: true })
    : await diffDatasets(before, after, { examples: most });
  if (output.json) await output.writeJson(diffBody(diff));
  else await output.writeLines(...describe(diff).map(indented));
  return ExitCode.done;
}

/** A line is made safe without losing the two spaces that it begins with. */
const indented = (line: string): string => (line.startsWith("  ") ? "  " : "") + terminalText(line);

function diffBody({ examples: rows, ...diff }: DatasetDiff): Record<string, unknown> {
  return {
    ...diff,
    changed: snakeKeys(diff.changed),
    added: snakeKeys(diff.added),
    removed: snakeKeys(diff.removed),
    examples: rows.map(({ interactionIds, ...row }) => ({ ...row, interaction_ids: interactionIds })),
  };
}

function describe({ a, b, options, same, changed, added, removed, moved, examples: rows }: DatasetDiff): string[] {
  return [
    `${counted(a.rows, "row")} before, ${counted(b.rows, "row")} after, ${count(same)} of them the same`,
    ...Object.entries(options).map(([name, side]) => `option ${name}: ${shown(side.a)} before, ${shown(side.b)} after`),
    ...told("added", added),
    ...told("removed", removed),
    ...told("changed", changed),
    ...(moved > 0 ? [`moved between train and test: ${count(moved)}`] : []),
    ...rows.map(({ change, reason, interactionIds }) => `  ${change} ${interactionIds.join(" ")}: ${WORDS[reason]}`),
  ];
}

function told(change: string, counts: DatasetDiff["added"]): string[] {
  const reasons = Object.entries(counts) as [DiffReason, number][];
  const total = reasons.reduce((sum, [, rows]) => sum + rows, 0);
  if (total === 0) return [];
  return [`${change}: ${count(total)}`, ...reasons.map(([reason, rows]) => `  ${count(rows)} ${WORDS[reason]}`)];
}

const shown = (value: unknown): string => (value === undefined ? "unset" : JSON.stringify(value));

const WORDS: Readonly<Record<DiffReason, string>> = {
  agentTypes: "of an agent type that the other does not take",
  minQuality: "below the other's min_quality",
  maxQuality: "above the other's max_quality",
  minQualityDiff: "with a gap below the other's min_quality_diff",
  groupSize: "of another group size",
  controlTokens: "with control tokens, which the other drops",
  outsideTime: "of a time that the other does not cover",
  deleted: "whose interaction is deleted",
  scoredAnew: "scored anew",
  otherAnswers: "to a prompt for which the other has other answers",
  limit: "beyond the other's limit",
  otherRules: "by an option that differs, see above",
  layout: "written in another way",
  unknown: "for a reason that neither the manifests nor the rows tell",
};
