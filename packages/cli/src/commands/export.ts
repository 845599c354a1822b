import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { effectiveScore, interactionRow, type StoredInteraction } from "@whetstone/core";
import { createParquet, type ParquetColumn, type ParquetFile } from "@whetstone/datasets";
import { Command } from "commander";
import { CliError, systemReason } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { counted } from "../counted.js";
import { ExitCode } from "../exit-code.js";
import { chosenInteractions, type InteractionChoice, withInteractionChoice } from "../interaction-choice.js";
import { createProgress } from "../progress.js";

interface ExportOptions extends InteractionChoice {
  readonly parquet: string;
}

/** `whetstone export`: the interactions as files that DuckDB, Spark and the like read. */
export function exportCommand(io: CliIo): Command {
  return withInteractionChoice(
    new Command("export")
      .summary("write interactions as Parquet files, one a day")
      .description(
        "Writes interactions as Parquet, one file for each UTC day, which DuckDB, Spark, Ray or pandas read. A file of an\n" +
          "earlier export is replaced. Needs the package hyparquet-writer.",
      )
      .requiredOption("--parquet <folder>", "where to write the files"),
    io,
  )
    .addHelpText(
      "after",
      examples(
        ["whetstone export --parquet ./days --since 30d", "the last thirty days"],
        [`duckdb -c "select agent_type, avg(overall) from './days/*.parquet' group by 1"`, "and a question to them"],
      ),
    )
    .action(commandAction(io, run));
}

/** What is known of an interaction, in columns. Lists and objects are JSON. */
const COLUMNS: readonly ParquetColumn[] = [
  { name: "interaction_id", type: "STRING" },
  { name: "timestamp", type: "TIMESTAMP" },
  { name: "agent_type", type: "STRING" },
  { name: "query", type: "STRING" },
  { name: "answer", type: "STRING" },
  // The score that counts, and who gave it.
  { name: "overall", type: "DOUBLE" },
  { name: "score_source", type: "STRING" },
  { name: "latency_ms", type: "DOUBLE" },
  { name: "error_occurred", type: "BOOLEAN" },
  { name: "error_message", type: "STRING" },
  { name: "session_id", type: "STRING" },
  { name: "user_id", type: "STRING" },
  { name: "group_id", type: "STRING" },
  { name: "model", type: "STRING" },
  { name: "variant", type: "STRING" },
  { name: "reference", type: "STRING" },
  { name: "retrieval_method", type: "STRING" },
  { name: "quality_scores", type: "JSON" },
  { name: "messages", type: "JSON" },
  { name: "tools", type: "JSON" },
  { name: "tools_used", type: "JSON" },
  { name: "sources", type: "JSON" },
  { name: "usage", type: "JSON" },
  { name: "metadata", type: "JSON" },
  { name: "flags", type: "JSON" },
  { name: "annotations", type: "JSON" },
];

async function run({ io, output, withStore }: CommandContext, options: ExportOptions): Promise<ExitCode> {
  const folder = resolve(io.cwd, options.parquet);
  await mkdir(folder, { recursive: true }).catch((cause) => {
    throw new CliError("OUTPUT_UNWRITABLE", `cannot make ${folder}: ${systemReason(cause)}`, { cause });
  });
  let written = 0;
  const files: string[] = [];
  let open: { readonly day: string; readonly file: ParquetFile } | undefined;
  const progress = createProgress(io, "exporting", "interactions", () => ({ done: written }));
  try {
    await withStore(
      async (store) => {
        for await (const batch of store.query({ ...chosenInteractions(options), signal: io.signal })) {
          for (const [day, interactions] of byDay(batch)) {
            if (open?.day !== day) {
              await open?.file.finish();
              open = { day, file: await createParquet(join(folder, `${day}.parquet`), COLUMNS) };
              files.push(join(folder, `${day}.parquet`));
            }
            await open.file.write(interactions.map(columns));
            written += interactions.length;
          }
        }
        io.signal.throwIfAborted();
        await open?.file.finish();
        open = undefined;
      },
      { mustExist: true },
    );
  } finally {
    progress.stop();
    await open?.file.abandon();
  }
  if (output.json) await output.writeJson({ interactions: written, files });
  else await output.writeLines(`${counted(written, "interaction")} in ${counted(files.length, "file")} in ${folder}`);
  return ExitCode.done;
}

function columns(interaction: StoredInteraction): Record<string, unknown> {
  const score = effectiveScore(interaction);
  return { ...interactionRow(interaction), overall: score?.overall, score_source: score?.source };
}

/** The interactions of a batch, which come in order of time, by UTC day. */
function byDay(batch: readonly StoredInteraction[]): Map<string, StoredInteraction[]> {
  const days = new Map<string, StoredInteraction[]>();
  for (const interaction of batch) {
    const day = new Date(interaction.timestamp).toISOString().slice(0, 10);
    const known = days.get(day);
    if (known) known.push(interaction);
    else days.set(day, [interaction]);
  }
  return days;
}
