import { Command, CommanderError } from "commander";
import { failureOf } from "./cli-error.js";
import type { CliIo } from "./cli-io.js";
import { calibrateCommand } from "./commands/calibrate.js";
import { cleanupCommand } from "./commands/cleanup.js";
import { completionCommand } from "./commands/completion.js";
import { copyCommand } from "./commands/copy.js";
import { datasetCommand } from "./commands/dataset.js";
import { doctorCommand } from "./commands/doctor.js";
import { eraseCommand } from "./commands/erase.js";
import { exportCommand } from "./commands/export.js";
import { feedbackCommand } from "./commands/feedback.js";
import { importCommand } from "./commands/import.js";
import { initCommand } from "./commands/init.js";
import { pushCommand } from "./commands/push.js";
import { queryCommand } from "./commands/query.js";
import { reportCommand } from "./commands/report.js";
import { runsCommand } from "./commands/runs.js";
import { scoreCommand } from "./commands/score.js";
import { scriptCommand } from "./commands/script.js";
import { serveCommand } from "./commands/serve.js";
import { showCommand } from "./commands/show.js";
import { statsCommand } from "./commands/stats.js";
import { tailCommand } from "./commands/tail.js";
import { trainCommand } from "./commands/train.js";
import { validateCommand } from "./commands/validate.js";
import { ExitCode } from "./exit-code.js";
import { createOutput } from "./output.js";
import { terminalText } from "./terminal-text.js";
import { version } from "./version.js";

/** Builds the `whetstone` command line. Parsing it runs a command; `runCli` also tells of errors. */
export function createProgram(io: CliIo): Command {
  const program = new Command("whetstone")
    .description(
      "Makes LLM agents better on their own traffic: record, score, build datasets, generate training scripts.",
    )
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help for a command")
    .option(
      "--store <url>",
      "where the interactions are: a folder or a store URL\n(default: $WHETSTONE_URL, then whetstone.config.json, then file:./.whetstone)",
    )
    .option("--json", "print JSON, and errors as JSON on standard error")
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // Errors are told once, by runCli.
      outputError() {},
      getOutHelpWidth: () => io.stdout.columns || 80,
      getErrHelpWidth: () => io.stderr.columns || 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .addHelpText("after", `\n${EXIT_CODES}`);
  for (const command of COMMANDS) program.addCommand(command(io));
  inheritSettings(program);
  return program;
}

/** Runs one command line. Never throws: what goes wrong is told on standard error and in the exit code. */
export async function runCli(args: readonly string[], io: CliIo): Promise<void> {
  const output = createOutput(io, asksForJson(args));
  try {
    if (args.length === 0) {
      await output.writeLines(createProgram(io).helpInformation().trimEnd());
      return io.setExitCode(ExitCode.done);
    }
    await createProgram(io).parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return io.setExitCode(ExitCode.done);
    const { code, message, exitCode } = failureOf(error, io.signal);
    io.setExitCode(exitCode);
    if (output.json) await output.noteJson({ error: { code, message } });
    else await output.note(`whetstone: ${terminalText(message)}`);
    if (io.env.WHETSTONE_DEBUG && error instanceof Error) await output.note(error.stack ?? "");
  }
}

const COMMANDS = [
  initCommand,
  importCommand,
  statsCommand,
  queryCommand,
  tailCommand,
  showCommand,
  scoreCommand,
  calibrateCommand,
  feedbackCommand,
  datasetCommand,
  validateCommand,
  pushCommand,
  scriptCommand,
  trainCommand,
  runsCommand,
  cleanupCommand,
  eraseCommand,
  copyCommand,
  exportCommand,
  reportCommand,
  doctorCommand,
  serveCommand,
  completionCommand,
];

/** Commander passes settings on to commands it makes itself, not to those that are added. */
function inheritSettings(parent: Command): void {
  for (const command of parent.commands) inheritSettings(command.copyInheritedSettings(parent));
}

const EXIT_CODES = `Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done except for some rows, 130 interrupted.
Help for a command: whetstone <command> --help`;

function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).includes("--json");
}
