import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { Command } from "commander";
import { CliError } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { counted } from "../counted.js";
import { ExitCode } from "../exit-code.js";
import { chosenInteractions, type InteractionChoice, withInteractionChoice } from "../interaction-choice.js";
import { wholeNumber } from "../option-values.js";
import { createProgress } from "../progress.js";
import { collectReport } from "../report/collect-report.js";
import { renderReport } from "../report/render-report.js";
import { terminalText } from "../terminal-text.js";
import { alreadyThere, writeWholeFile } from "../whole-file.js";

interface ReportOptions extends InteractionChoice {
  readonly out: string;
  readonly overwrite?: boolean;
  readonly worst: number;
  readonly texts: boolean;
}

/** `whetstone report`: one HTML page that shows what was recorded and how good it is. */
export function reportCommand(io: CliIo): Command {
  return withInteractionChoice(
    new Command("report")
      .summary("write one HTML page: volume, quality, datasets, worst answers")
      .description(
        "Writes one HTML page, which needs no server and asks nothing of the network: volume, quality by agent and variant\n" +
          "over time, whose score decides, what datasets could be built, and the worst answers.",
      )
      .option("-o, --out <file>", "where to write it; - prints it", "whetstone-report.html")
      .option("--overwrite", "replace a file that is there"),
    io,
  )
    .option("--worst <count>", "how many of the worst answers", wholeNumber(0, 200), 12)
    .option("--no-texts", "without what was asked and answered, to show it to others")
    .addHelpText(
      "after",
      examples(
        ["whetstone report --since 30d", "the last thirty days, in whetstone-report.html"],
        ["whetstone report --no-texts --overwrite --out public/agents.html", "a page without anybody's words"],
        ["whetstone report --out - | gzip > report.html.gz", "the page itself, for another program"],
      ),
    )
    .action(commandAction(io, run));
}

async function run(context: CommandContext, options: ReportOptions): Promise<ExitCode> {
  const { io, output } = context;
  const { out, overwrite = false, worst, texts } = options;
  if (out.trim() === "") throw new CliError("USAGE", "--out is empty: name a file, or - to print the page");
  if (out === "-" && output.json) throw new CliError("USAGE", "--out - prints the page: leave --json out");
  const path = resolve(io.cwd, out);
  // Told before the store is read; whether it still holds is seen when the file is written.
  if (out !== "-" && !overwrite && existsSync(path)) throw alreadyThere(path);
  let done = 0;
  const progress = createProgress(io, "reading", "interactions", () => ({ done }));
  const report = await context
    .withStore(
      (store) =>
        collectReport(store, {
          filter: chosenInteractions(options),
          now: io.now(),
          worst,
          signal: io.signal,
          onProgress: (read) => {
            done = read;
          },
        }),
      { mustExist: true },
    )
    .finally(() => progress.stop());
  const page = renderReport(report, { withoutTexts: !texts });
  if (out === "-") {
    await output.writeText(page);
    return ExitCode.done;
  }
  await writeWholeFile(path, page, { overwrite, signal: io.signal });
  const interactions = report.totals.count;
  if (output.json) await output.writeJson({ path, bytes: Buffer.byteLength(page), interactions });
  else await output.writeLines(`a report of ${counted(interactions, "interaction")} is in ${terminalText(path)}`);
  return ExitCode.done;
}
