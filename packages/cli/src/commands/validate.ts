import { resolve } from "node:path";
import { snakeKeys } from "@whetstone/core";
import { type Finding, type ValidateOptions, type ValidationReport, validateDataset } from "@whetstone/datasets";
import { Argument, Command, Option } from "commander";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { count, counted, percent } from "../counted.js";
import { ExitCode } from "../exit-code.js";
import { wholeNumber } from "../option-values.js";
import { createProgress } from "../progress.js";
import { terminalText } from "../terminal-text.js";

/** `whetstone validate`: what would fail or quietly train wrong, before a GPU is rented. */
export function validateCommand(io: CliIo): Command {
  const methods = ["sft", "dpo", "reward", "kto", "grpo", "grpo-online"];
  return new Command("validate")
    .summary("check a dataset before a GPU is rented")
    .description(
      "Tells what in a dataset would fail or quietly train something wrong, whoever wrote it, and counts its tokens.\n" +
        "Exit code 0: nothing was found, or notes only; 3: warnings only; 1: errors.",
    )
    .addArgument(new Argument("<path>", "a .jsonl file, or a folder with train and test files"))
    .addOption(new Option("--method <method>", "what it is for (default: what its columns are for)").choices(methods))
    .option("--tokenizer <folder>", "the model's tokenizer: counts and renders for real (default: an estimate)")
    .option("--max-length <tokens>", "what the trainer cuts rows at (default: 1024)", wholeNumber(1))
    .option("--batch-size <rows>", "rows in a step, over all devices (default: 8)", wholeNumber(1))
    .option("--num-generations <count>", "GRPO: answers that the trainer makes to a prompt", wholeNumber(2))
    .option("--sample <rows>", "count the tokens of about so many rows (default: all)", wholeNumber(0))
    .addHelpText(
      "after",
      examples(
        ["whetstone validate data/sft", "a folder that a build wrote"],
        ["whetstone validate pairs.jsonl --tokenizer ./Qwen3-0.6B --max-length 2048", "with the real template"],
        ["whetstone validate data/dpo --json > report.json", "for a script"],
      ),
    )
    .action(commandAction(io, (context, options: ValidateCommandOptions, [path = ""]) => run(context, options, path)));
}

interface ValidateCommandOptions
  extends Pick<ValidateOptions, "method" | "maxLength" | "batchSize" | "numGenerations"> {
  readonly tokenizer?: string;
  readonly sample?: number;
}

async function run(
  { io, output }: CommandContext,
  { tokenizer, sample, method, maxLength, batchSize, numGenerations }: ValidateCommandOptions,
  path: string,
): Promise<ExitCode> {
  let [done, share] = [0, 0];
  const progress = createProgress(io, `validating ${path}`, "rows", () => ({ done, share }));
  const report = await validateDataset(resolve(io.cwd, path), {
    ...{ method, maxLength, batchSize, numGenerations },
    sampleRows: sample,
    tokenizer: tokenizer === undefined ? undefined : resolve(io.cwd, tokenizer),
    signal: io.signal,
    onProgress: (state) => {
      done = state.rows;
      share = state.share;
    },
  }).finally(() => progress.stop());
  if (output.json) await output.writeJson(reportBody(report));
  else await output.writeLines(...summary(report));
  return { sound: ExitCode.done, warnings: ExitCode.partly, errors: ExitCode.failed }[report.status];
}

function reportBody({ tokens, labels, ...report }: ValidationReport): Record<string, unknown> {
  return { ...report, tokens: snakeKeys({ ...tokens }), labels: labels && snakeKeys({ ...labels }) };
}

function summary(report: ValidationReport): string[] {
  const { method, files, rows, findings } = report;
  const parts = files.map(({ name, rows: of }) => `${terminalText(name)} ${count(of)}`).join(", ");
  const errors = findings.filter(({ severity }) => severity === "error");
  const warnings = findings.filter(({ severity }) => severity === "warning");
  const notes = findings.filter(({ severity }) => severity === "note");
  return [
    `${counted(rows, "row")} for ${method ?? "no method"} (${parts})`,
    ...tokenLines(report),
    ...told("errors", errors),
    ...told("warnings", warnings),
    ...told("notes", notes),
    "",
    errors.length + warnings.length === 0
      ? "nothing was found"
      : `${counted(errors.length, "error")}, ${counted(warnings.length, "warning")}`,
  ];
}

const WIDEST_BAR = 40;

function tokenLines({ tokens }: ValidationReport): string[] {
  if (tokens.rows === 0) return [];
  const about = tokens.tokenizer === null ? "about " : "";
  const most = Math.max(...tokens.histogram.map(({ rows }) => rows));
  const width = count(tokens.histogram.at(-1)?.below ?? 0).length;
  return [
    `tokens: ${about}${count(tokens.total)}, trained on ${count(tokens.trained)} (${percent(tokens.trained, tokens.total)})`,
    `a row: median ${count(tokens.median)}, 90 % below ${count(tokens.p90 + 1)}, longest ${count(tokens.longest)}; ` +
      `${count(tokens.truncated)} (${percent(tokens.truncatedShare, 1)}) beyond max_length ${count(tokens.maxLength)}`,
    ...tokens.histogram.map(
      ({ below, rows }) =>
        `  < ${count(below).padStart(width)}  ${"#".repeat(Math.ceil((rows / most) * WIDEST_BAR))} ${count(rows)}`,
    ),
  ];
}

function told(title: string, findings: readonly Finding[]): string[] {
  if (findings.length === 0) return [];
  return [
    "",
    `${title}:`,
    ...findings.flatMap(({ code, count: cases, message, examples: found }) => [
      `- ${code}${found.length > 0 ? ` (${count(cases)})` : ""}: ${terminalText(message)}`,
      ...found.map(
        ({ file, line, detail }) => `    ${terminalText(`${file}:${line}${detail === null ? "" : `  ${detail}`}`)}`,
      ),
    ]),
  ];
}
