import { writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { DEFAULT_STORE_URL, openStore } from "@whetstone/core";
import { Command } from "commander";
import { CliError, systemReason } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { absoluteUrl, CONFIG_FILE, storeFolder } from "../cli-store.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { ExitCode } from "../exit-code.js";
import { SAMPLE_FILE, sampleProgram } from "../sample-program.js";
import { terminalText } from "../terminal-text.js";

interface InitOptions {
  readonly store?: string;
  readonly sample: boolean;
  readonly yes?: boolean;
}

interface Choices {
  /** A store URL as the settings file will hold it. */
  readonly store: string;
  readonly sample: boolean;
}

/** `whetstone init`: makes a store, a settings file and a sample program in the current folder. */
export function initCommand(io: CliIo): Command {
  return new Command("init")
    .summary("make a store, a settings file and a sample program here")
    .description(
      `Makes a store, ${CONFIG_FILE} (which tells the other commands where the store is) and ${SAMPLE_FILE}\n` +
        "in the current folder. A file that is there already stays as it is.",
    )
    .option("--no-sample", "without the sample program")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      examples(
        ["whetstone init", "ask two questions"],
        ["whetstone init --yes --store ./data/interactions", "ask none"],
      ),
    )
    .action(commandAction(io, run));
}

async function run(context: CommandContext, options: InitOptions): Promise<ExitCode> {
  const { io, output } = context;
  const given: Choices = { store: options.store ?? DEFAULT_STORE_URL, sample: options.sample };
  const asks = !options.yes && !output.json && Boolean(io.stdin.isTTY && io.stderr.isTTY);
  const choices = asks ? await asked(io, given) : given;
  if (!choices) {
    await output.note("nothing was made");
    return ExitCode.interrupted;
  }

  const url = absoluteUrl(choices.store, io.cwd);
  const folder = storeFolder(url);
  const created: string[] = [];
  const kept: string[] = [];
  const make = async (path: string, text: string) => {
    const made = await createFile(join(io.cwd, path), text);
    (made ? created : kept).push(path);
  };
  if (folder !== null) {
    const store = openStore(url);
    try {
      // Storing nothing is what makes the folder a store.
      await store.append([]);
    } finally {
      await store.close();
    }
    // What users say to an agent does not belong into a repository.
    await make(join(relative(io.cwd, folder), ".gitignore"), "*\n");
  }
  await make(CONFIG_FILE, `${JSON.stringify({ store: choices.store }, null, 2)}\n`);
  if (choices.sample) await make(SAMPLE_FILE, sampleProgram(choices.store));

  if (output.json) {
    await output.writeJson({ store: url, created, kept });
    return ExitCode.done;
  }
  const lines = [`the store is ${terminalText(url)}`];
  if (created.length > 0) lines.push(`made: ${terminalText(created.join(", "))}`);
  if (kept.length > 0) lines.push(`there already, left as it is: ${terminalText(kept.join(", "))}`);
  lines.push("", "Next:");
  if (choices.sample) lines.push(`  npm install whetstone && node ${SAMPLE_FILE}`);
  lines.push("  npx whetstone stats");
  await output.writeLines(...lines);
  return ExitCode.done;
}

/** Asks what the options left open; null when the person would rather not. */
async function asked(io: CliIo, given: Choices): Promise<Choices | null> {
  const { confirm, isCancel, text } = await import("@clack/prompts");
  const channels = { input: io.stdin, output: io.stderr, signal: io.signal };
  const store = await text({
    message: "Where should interactions be stored?",
    initialValue: given.store,
    validate: (value) => (value?.trim() ? undefined : "Give a folder, such as file:./.whetstone"),
    ...channels,
  });
  if (isCancel(store)) return null;
  const sample =
    given.sample && (await confirm({ message: `Write ${SAMPLE_FILE}, a program to try it with?`, ...channels }));
  return isCancel(sample) ? null : { store: store.trim(), sample };
}

/** Creates a file; false when there is one already, which stays. */
async function createFile(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw new CliError("OUTPUT_UNWRITABLE", `cannot write ${resolve(path)}: ${systemReason(error)}`, { cause: error });
  }
}
