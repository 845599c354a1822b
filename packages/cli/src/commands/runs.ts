import { Command } from "commander";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { ExitCode } from "../exit-code.js";
import { renderTable } from "../text-table.js";
import { listRuns, RUNS_FOLDER, type TrainingRun } from "../train/training-run.js";

/** `whetstone runs`: the trainings that `whetstone train` ran here, the newest first. */
export function runsCommand(io: CliIo): Command {
  return new Command("runs")
    .summary("list training runs")
    .description(`Lists the runs of whetstone train that are written down in ${RUNS_FOLDER}, the newest first.`)
    .addHelpText(
      "after",
      examples(
        ["whetstone runs", "what was trained here, and with what loss"],
        ["whetstone runs --json | jq '{id, status, metrics, dataset, versions, git}'", "all that is known of each"],
      ),
    )
    .action(commandAction(io, run));
}

async function run({ io, output }: CommandContext): Promise<ExitCode> {
  const runs = await listRuns(io.cwd);
  if (output.json) await output.writeJson(...runs);
  else if (runs.length === 0) await output.writeLines(`no run yet in ${RUNS_FOLDER}: whetstone train runs a script`);
  else await output.writeLines(...renderTable(COLUMNS, runs.map(rowOf), output.bold));
  return ExitCode.done;
}

const COLUMNS = [
  { title: "run", maxWidth: 48 },
  { title: "status" },
  { title: "started" },
  { title: "steps", align: "right" },
  { title: "loss", align: "right" },
  { title: "reward", align: "right" },
  { title: "dataset" },
  { title: "model", maxWidth: 40 },
] as const;

function rowOf(run: TrainingRun): string[] {
  const { metrics } = run;
  const number = (value: number | undefined) => (value === undefined ? "" : String(Number(value.toPrecision(4))));
  return [
    run.id,
    run.status,
    `${run.started_at.slice(0, 16).replace("T", " ")}`,
    run.steps === null ? "" : `${run.step ?? 0}/${run.steps}`,
    number(metrics.loss ?? metrics.train_loss),
    number(metrics.reward ?? metrics["rewards/margins"]),
    run.dataset.train?.sha256.slice(0, 12) ?? "",
    run.output_dir ?? "",
  ];
}
