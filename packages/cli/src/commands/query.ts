import { cursorAfter, effectiveScore, interactionRow, type StoredInteraction } from "@whetstone/core";
import { Command, Option } from "commander";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { ExitCode } from "../exit-code.js";
import { fraction, list, pointInTime, wholeNumber } from "../option-values.js";
import { renderTable } from "../text-table.js";

interface QueryCommandOptions {
  readonly since?: number;
  readonly until?: number;
  readonly agentType?: readonly string[];
  readonly minQuality?: number;
  readonly errors?: "include" | "exclude" | "only";
  readonly unscored?: boolean;
  readonly order: "asc" | "desc";
  readonly limit?: number;
  readonly cursor?: string;
}

/** Rows of a table when `--limit` does not say. */
const TABLE_LIMIT = 20;

/** `whetstone query`: shows interactions, or streams them as JSON lines. */
export function queryCommand(io: CliIo): Command {
  return new Command("query")
    .summary("show interactions, or stream them as JSON lines")
    .description("Shows interactions as a table, or streams them whole with --json: one on each line, in snake_case.")
    .option("--since <time>", "from this time on: ISO 8601, or an age such as 7d", pointInTime(io.now))
    .option("--until <time>", "before this time", pointInTime(io.now))
    .option("--agent-type <name>", "only this agent type; repeatable", list)
    .option("--min-quality <score>", "only with a score of at least this", fraction)
    .addOption(
      new Option("--errors [which]", "interactions that ended in an error")
        .choices(["only", "include", "exclude"])
        .preset("only"),
    )
    .option("--unscored", "only those without a score")
    .addOption(new Option("--order <order>", "by time").choices(["asc", "desc"]).default("desc"))
    .option("--limit <count>", `at most so many (default: ${TABLE_LIMIT} as a table, all with --json)`, wholeNumber(1))
    .option("--cursor <cursor>", "go on after this cursor, or after the interaction with this id")
    .addHelpText(
      "after",
      examples(
        ["whetstone query --errors --since 7d", "what went wrong in the last seven days"],
        ["whetstone query --agent-type math --min-quality 0.8 --json > good.jsonl", "save the good ones"],
        ["whetstone query --json | jq -r .query | sort | uniq -c | sort -rn | head", "what is asked most"],
      ),
    )
    .action(commandAction(io, run));
}

async function run(context: CommandContext, options: QueryCommandOptions): Promise<ExitCode> {
  const { io, output } = context;
  const limit = options.limit ?? (output.json ? undefined : TABLE_LIMIT);
  await context.withStore(
    async (store) => {
      const found = store.query({
        startTime: options.since,
        endTime: options.until,
        agentTypes: options.agentType,
        minQuality: options.minQuality,
        scored: options.unscored ? false : undefined,
        errors: options.errors,
        order: options.order,
        // One more than a table shows tells whether there is more.
        limit: limit === undefined || output.json ? limit : limit + 1,
        cursor: options.cursor && (await cursorOf(options.cursor, (id) => store.get(id))),
        signal: io.signal,
      });
      if (!output.json) return showTable(context, await collected(found), limit ?? TABLE_LIMIT);
      for await (const batch of found) {
        await output.writeJson(...batch.map(interactionRow));
        if (output.closed) return;
        io.signal.throwIfAborted();
      }
    },
    { mustExist: true },
  );
  return ExitCode.done;
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

async function showTable({ io, output }: CommandContext, found: StoredInteraction[], limit: number): Promise<void> {
  if (found.length === 0) return output.writeLines("no interactions match");
  const shown = found.slice(0, limit);
  const texts = Math.max(40, (io.stdout.columns || 120) - FIXED_WIDTH);
  const columns = [
    { title: "TIME (UTC)" },
    { title: "AGENT", maxWidth: 12 },
    { title: "SCORE", align: "right" },
    { title: "QUERY", maxWidth: Math.floor(texts / 2) },
    { title: "ANSWER", maxWidth: Math.floor(texts / 2) },
  ] as const;
  const rows = shown.map((interaction) => [
    new Date(interaction.timestamp).toISOString().slice(0, 19).replace("T", " "),
    interaction.agentType,
    effectiveScore(interaction)?.overall.toFixed(2) ?? "–",
    interaction.query,
    interaction.errorOccurred ? `error: ${interaction.errorMessage ?? interaction.answer}` : interaction.answer,
  ]);
  await output.writeLines(...renderTable(columns, rows, output.bold));
  const last = shown.at(-1);
  if (found.length > limit && last) await output.writeLines("", `more: add --cursor ${cursorAfter(last)}`);
}

// Time, agent and score with the gaps between columns.
const FIXED_WIDTH = 19 + 12 + 5 + 4 * 2;
