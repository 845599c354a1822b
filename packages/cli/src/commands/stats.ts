import { type Calibration, snakeKeys } from "@whetstone/core";
import { trainingStatsBody } from "@whetstone/server";
import { Command } from "commander";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { count, counted, percent } from "../counted.js";
import { ExitCode } from "../exit-code.js";
import { chosenInteractions, type InteractionChoice, withInteractionChoice } from "../interaction-choice.js";
import { renderTable } from "../text-table.js";

/** `whetstone stats`: how many interactions there are, how good they are, by agent. */
export function statsCommand(io: CliIo): Command {
  return withInteractionChoice(
    new Command("stats")
      .summary("count what is in the store, by agent")
      .description("Counts what is in the store, by agent. High quality is a score of at least 0.8."),
    io,
  )
    .addHelpText(
      "after",
      examples(
        ["whetstone stats --since 7d", "the last seven days"],
        ["whetstone stats --json | jq .high_quality_rate", "one figure, for a script"],
      ),
    )
    .action(commandAction(io, run));
}

async function run(context: CommandContext, options: InteractionChoice): Promise<ExitCode> {
  const { output } = context;
  const filter = chosenInteractions(options);
  const { stats, calibrations } = await context.withStore(
    async (store) => ({ stats: await store.stats(filter), calibrations: await store.calibrations() }),
    { mustExist: true },
  );
  if (output.json) {
    const known = calibrations.length > 0 && { calibrations: calibrations.map(snakeKeys) };
    await output.writeJson({ ...trainingStatsBody(stats), ...known });
    return ExitCode.done;
  }
  const row = (
    name: string,
    agent: { count: number; highQualityCount: number; errorCount: number; averageQuality: number | null },
  ) => [
    name,
    count(agent.count),
    `${count(agent.highQualityCount)} (${percent(agent.highQualityCount, agent.count)})`,
    `${count(agent.errorCount)} (${percent(agent.errorCount, agent.count)})`,
    agent.averageQuality === null ? "unscored" : agent.averageQuality.toFixed(3),
  ];
  const agents = Object.entries(stats.agentStats);
  const table = renderTable(
    COLUMNS,
    agents.map(([name, agent]) => row(name, agent)),
    output.bold,
  );
  const { totalInteractions, highQualityCount, errorCount, unscoredCount } = stats;
  const total = counted(totalInteractions, "interaction");
  await output.writeLines(
    totalInteractions === 0
      ? total
      : `${total}: ${count(highQualityCount)} of high quality (${percent(highQualityCount, totalInteractions)}), ` +
          `${counted(errorCount, "error")} (${percent(errorCount, totalInteractions)}), ${count(unscoredCount)} unscored`,
    ...(agents.length > 0 ? ["", ...table] : []),
    ...(calibrations.length > 0 ? ["", ...renderTable(SCORER_COLUMNS, calibrations.map(scorerRow), output.bold)] : []),
  );
  return ExitCode.done;
}

const COLUMNS = [
  { title: "AGENT", maxWidth: 32 },
  { title: "COUNT", align: "right" },
  { title: "HIGH QUALITY", align: "right" },
  { title: "ERRORS", align: "right" },
  { title: "MEAN SCORE", align: "right" },
] as const;

/** How far each scorer's word can be trusted, where that was measured. */
function scorerRow({ source, kappa, kappaInterval, agreement, labelled, verdict }: Calibration): string[] {
  const interval = kappaInterval ? ` [${kappaInterval.map((value) => value.toFixed(3)).join(", ")}]` : "";
  return [source, `${kappa?.toFixed(3) ?? "none"}${interval}`, agreement.toFixed(3), count(labelled), verdict];
}

const SCORER_COLUMNS = [
  { title: "SCORER", maxWidth: 48 },
  { title: "KAPPA" },
  { title: "AGREEMENT", align: "right" },
  { title: "LABELS", align: "right" },
  { title: "VERDICT", maxWidth: 48 },
] as const;
