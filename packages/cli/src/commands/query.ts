import { cursorAfter, effectiveScore, interactionRow, type StoredInteraction } from "@whetstone/core";
import { Command, Option } from "commander";
import { CliError } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { ExitCode } from "../exit-code.js";
import {
  chosenInteractions,
  errorsOption,
  type InteractionChoice,
  withInteractionChoice,
} from "../interaction-choice.js";
import { fraction, wholeNumber } from "../option-values.js";
import { renderTable } from "../text-table.js";

interface QueryCommandOptions extends InteractionChoice {
  readonly minQuality?: number;
  readonly errors?: "include" | "exclude" | "only";
  readonly unscored?: boolean;
  /** True without a text: any reason will do. */
  readonly reason?: string | true;
  readonly order: "asc" | "desc";
  readonly limit?: number;
  readonly cursor?: string;
}

/** Rows of a table when `--limit` does not say. */
const TABLE_LIMIT = 20;

/** `whetstone query`: shows interactions, or streams them as JSON lines. */
export function queryCommand(io: CliIo): Command {
  return withInteractionChoice(
    new Command("query")
      .summary("show interactions, or stream them as JSON lines")
      .description(
        "Shows interactions as a table, or streams them whole with --json: one on each line, in snake_case.",
      ),
    io,
  )
    .option("--min-quality <score>", "only with a score of at least this", fraction)
    .addOption(errorsOption())
    .option("--unscored", "only those without a score")
    .option(
      "--reason [text]",
      "with --unscored: only those that a scorer gave up on, for a reason or code with this text",
    )
    .addOption(new Option("--order <order>", "by time").choices(["asc", "desc"]).default("desc"))
    .option("--limit <count>", `at most so many (default: ${TABLE_LIMIT} as a table, all with --json)`, wholeNumber(1))
    .option("--cursor <cursor>", "go on after this cursor, or after the interaction with this id")
    .addHelpText(
      "after",
      examples(
        ["whetstone query --errors --since 7d", "what went wrong in the last seven days"],
        ["whetstone query --agent-type math --min-quality 0.8 --json > good.jsonl", "save the good ones"],
        ["whetstone query --unscored --reason", "what judges could not score, and why"],
        ["whetstone query --json | jq -r .query | sort | uniq -c | sort -rn | head", "what is asked most"],
      ),
    )
    .action(commandAction(io, run));
}

async function run(context: CommandContext, options: QueryCommandOptions): Promise<ExitCode> {
  const { io, output } = context;
  const { reason } = options;
  if (reason !== undefined && !options.unscored) throw new CliError("USAGE", "--reason goes with --unscored: add it");
  const limit = options.limit ?? (output.json ? undefined : TABLE_LIMIT);
  // One more than a table shows tells whether there is more.
  const most = limit === undefined || output.json ? limit : limit + 1;
  await context.withStore(
    async (store) => {
      const found = store.query({
        ...chosenInteractions(options),
        minQuality: options.minQuality,
        scored: options.unscored ? false : undefined,
        errors: options.errors,
        order: options.order,
        limit: reason === undefined ? most : undefined,
        cursor: options.cursor && (await cursorOf(options.cursor, (id) => store.get(id))),
        signal: io.signal,
      });
      const wanted = reason === undefined ? found : withReason(found, reason, most);
      if (!output.json) return showTable(context, await collected(wanted), limit ?? TABLE_LIMIT, reason !== undefined);
      for await (const batch of wanted) {
        await output.writeJson(...batch.map(interactionRow));
        if (output.closed) return;
        io.signal.throwIfAborted();
      }
    },
    { mustExist: true },
  );
  return ExitCode.done;
}

/** Those that a scorer gave up on for such a reason, at most so many. */
async function* withReason(
  batches: AsyncIterable<readonly StoredInteraction[]>,
  reason: string | true,
  most = Infinity,
): AsyncGenerator<readonly StoredInteraction[]> {
  const text = reason === true ? "" : reason.toLowerCase();
  let left = most;
  for await (const batch of batches) {
    const matching = batch.filter((each) => reasonOf(each).toLowerCase().includes(text) && reasonOf(each) !== "");
    if (matching.length > 0) yield matching.slice(0, left);
    left -= matching.length;
    if (left <= 0) return;
  }
}

/** Why no scorer could score it, the newest word first; empty where none tried. */
function reasonOf({ annotations = [] }: StoredInteraction): string {
  return annotations
    .filter((annotation) => annotation.kind === "unscored")
    .toSorted((a, b) => b.at - a.at)
    .map(({ source, code, reason }) => `${code} ${source}: ${reason}`)
    .join("; ");
}

/** A cursor is taken as it is; an id, such as the last line of an earlier answer has, is made one. */
async function cursorOf(
  given: string,
  get: (interactionId: string) => Promise<StoredInteraction | null>,
): Promise<string> {
  const interaction = await get(given);
  return interaction ? cursorAfter(interaction) : given;
}

async function collected(batches: AsyncIterable<readonly StoredInteraction[]>): Promise<StoredInteraction[]> {
  const all: StoredInteraction[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}

async function showTable(
  { io, output }: CommandContext,
  found: StoredInteraction[],
  limit: number,
  withReasons: boolean,
): Promise<void> {
  if (found.length === 0) return output.writeLines("no interactions match");
  const shown = found.slice(0, limit);
  const texts = Math.max(40, (io.stdout.columns || 120) - FIXED_WIDTH);
  const third = withReasons ? ({ title: "ID" } as const) : ({ title: "SCORE", align: "right" } as const);
  const columns = [
    { title: "TIME (UTC)" },
    { title: "AGENT", maxWidth: 12 },
    third,
    { title: "QUERY", maxWidth: Math.floor(texts / 2) },
    { title: withReasons ? "REASON" : "ANSWER", maxWidth: Math.floor(texts / 2) },
  ];
  const rows = shown.map((interaction) => {
    const { timestamp, agentType, interactionId, query } = interaction;
    const time = new Date(timestamp).toISOString().slice(0, 19).replace("T", " ");
    if (withReasons) return [time, agentType, interactionId, query, reasonOf(interaction)];
    const score = effectiveScore(interaction)?.overall.toFixed(2) ?? "–";
    const { errorOccurred, errorMessage, answer } = interaction;
    return [time, agentType, score, query, errorOccurred ? `error: ${errorMessage ?? answer}` : answer];
  });
  await output.writeLines(...renderTable(columns, rows, output.bold));
  const last = shown.at(-1);
  if (found.length > limit && last) await output.writeLines("", `more: add --cursor ${cursorAfter(last)}`);
}

// Time, agent and score with the gaps between columns.
const FIXED_WIDTH = 19 + 12 + 5 + 4 * 2;
