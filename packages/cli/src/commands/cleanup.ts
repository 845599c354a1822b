import { Command } from "commander";
import { CliError } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { counted } from "../counted.js";
import { ExitCode } from "../exit-code.js";
import { wholeNumber } from "../option-values.js";
import { terminalText } from "../terminal-text.js";

interface CleanupOptions {
  readonly daysToKeep: number;
  readonly yes?: boolean;
}

const DAY_MS = 86_400_000;

/** `whetstone cleanup`: removes what is older than so many days. */
export function cleanupCommand(io: CliIo): Command {
  return new Command("cleanup")
    .summary("remove old interactions")
    .description(
      "Removes interactions of the UTC days that ended more than so many days ago. A day is removed whole or not at all.",
    )
    .requiredOption("--days-to-keep <days>", "how many days stay", wholeNumber(0, 36_500))
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      examples(
        ["whetstone cleanup --days-to-keep 90", "ask, then remove what is older than 90 days"],
        ["whetstone cleanup --days-to-keep 90 --yes --json", "the same from cron"],
      ),
    )
    .action(commandAction(io, run));
}

async function run(context: CommandContext, { daysToKeep, yes }: CleanupOptions): Promise<ExitCode> {
  const { io, output } = context;
  const cutoff = Math.max(0, io.now() - daysToKeep * DAY_MS);
  const firstKept = Math.floor(cutoff / DAY_MS) * DAY_MS;
  const removed = await context.withStore(
    async (store) => {
      if (!yes) {
        const old = (await store.stats({ endTime: firstKept })).totalInteractions;
        if (old > 0 && !(await agreed(io, old, isoDay(firstKept), store.url))) return null;
      }
      return (await store.deleteBefore(cutoff)).removed;
    },
    { mustExist: true },
  );
  if (removed === null) {
    await output.note("nothing was removed");
    return ExitCode.failed;
  }
  const message = `removed ${counted(removed, "interaction")} from before ${isoDay(firstKept)}`;
  if (output.json) await output.writeJson({ removed_count: removed, days_kept: daysToKeep, message });
  else await output.writeLines(message);
  return ExitCode.done;
}

async function agreed(io: CliIo, old: number, day: string, url: string): Promise<boolean> {
  if (!io.stdin.isTTY || !io.stderr.isTTY) {
    throw new CliError(
      "USAGE",
      `this would remove ${counted(old, "interaction")} from before ${day}: add --yes to do so`,
    );
  }
  const { confirm, isCancel } = await import("@clack/prompts");
  const answer = await confirm({
    message: `Remove ${counted(old, "interaction")} from before ${day} out of ${terminalText(url)}?`,
    initialValue: false,
    input: io.stdin,
    output: io.stderr,
    signal: io.signal,
  });
  return !isCancel(answer) && answer;
}

function isoDay(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10);
}
