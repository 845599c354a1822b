import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { spoolBacklog } from "@whetstone/core";
import { countRowsOf } from "@whetstone/datasets";
import { Command } from "commander";
import { CliError, failureOf } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { counted } from "../counted.js";
import { datasetPath } from "../dataset-path.js";
import { ExitCode } from "../exit-code.js";
import { terminalText } from "../terminal-text.js";

interface EraseOptions {
  readonly user: string;
  readonly yes?: boolean;
}

/** A dataset that holds rows made of what was erased. */
interface AffectedDataset {
  readonly path: string;
  readonly rows: number;
  /** By file. */
  readonly files: Readonly<Record<string, number>>;
}

/** `whetstone erase`: removes what was recorded of a user, and tells which datasets were made of it. */
export function eraseCommand(io: CliIo): Command {
  return new Command("erase")
    .summary("remove all interactions of a user, and list datasets made of them")
    .description(
      "Removes all interactions of a user from the store, with everything that was said of them, and lists the datasets\n" +
        "that hold rows made of them: those you name, or else all below the current folder. Datasets are not changed:\n" +
        "build them again. What the user's calls log while it runs may stay: run it again when they have ended.",
    )
    .argument("[datasets...]", "dataset folders and .jsonl files to look into (default: those below this folder)")
    .requiredOption("--user <id>", "the user id as it was logged, or the pseudonym that the store shows")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      examples(
        ["whetstone erase --user ada@example.com", "ask, then remove, and look at the datasets below this folder"],
        ["whetstone erase --user u:4f0c… data/sft data/dpo.jsonl --yes --json", "the same from a program"],
      ),
    )
    .action(commandAction(io, run));
}

async function run(
  context: CommandContext,
  { user, yes }: EraseOptions,
  [datasets = []]: readonly unknown[],
): Promise<ExitCode> {
  const { io, output } = context;
  if (user === "") throw new CliError("USAGE", "--user is empty: give the user id as it was logged");
  // Found before anything is removed: afterwards nothing could tell a second time which rows were theirs.
  const named = (datasets as readonly string[]).map((path) => datasetPath(io, path));
  const places = named.length > 0 ? named : await datasetsBelow(io.cwd, io.signal);
  for (const path of named) await countRowsOf(path, new Set());
  const erased = await context.withStore(
    async (store) => {
      if (!yes && !(await agreed(io, store.url))) return null;
      const { interactionIds } = await store.eraseUser(user);
      return { interactionIds, waiting: spoolBacklog(store.url, join(io.cwd, ".whetstone", "spool")).bytes > 0 };
    },
    { mustExist: true },
  );
  if (!erased) {
    await output.note("nothing was removed");
    return ExitCode.failed;
  }
  const { interactionIds, waiting } = erased;
  const { affected, failures } = await affectedDatasets(places, new Set(interactionIds), io.signal);
  if (output.json) {
    await output.writeJson({
      removed_count: interactionIds.length,
      interaction_ids: interactionIds,
      datasets: affected,
      datasets_searched: places.length,
      ...(failures.length > 0 && { datasets_unreadable: failures }),
      ...(waiting && { spool_waiting: true }),
    });
  } else {
    const shown = (path: string) => terminalText(relative(io.cwd, path) || ".");
    await output.writeLines(
      `removed ${counted(interactionIds.length, "interaction")} of the user`,
      ...(affected.length > 0
        ? [
            `made of them, and to be built again:`,
            ...affected.map(({ path, rows }) => `  ${shown(path)}  ${counted(rows, "row")}`),
          ]
        : [`${counted(places.length, "dataset")} searched: no row was made of them`]),
    );
    for (const { path, message } of failures) await output.note(`cannot read ${shown(path)}: ${terminalText(message)}`);
    if (waiting) {
      await output.note(
        "the spool holds records of the last moments: run this again in a minute, when they are stored",
      );
    }
  }
  return failures.length > 0 ? ExitCode.partly : ExitCode.done;
}

async function agreed(io: CliIo, url: string): Promise<boolean> {
  if (!io.stdin.isTTY || !io.stderr.isTTY) {
    throw new CliError("USAGE", "this would remove all interactions of the user for good: add --yes to do so");
  }
  const { confirm, isCancel } = await import("@clack/prompts");
  const answer = await confirm({
    message: `Remove all interactions of the user from ${terminalText(url)}, for good?`,
    initialValue: false,
    input: io.stdin,
    output: io.stderr,
    signal: io.signal,
  });
  return !isCancel(answer) && answer;
}

async function affectedDatasets(paths: readonly string[], ids: ReadonlySet<string>, signal: AbortSignal) {
  const affected: AffectedDataset[] = [];
  const failures: { readonly path: string; readonly message: string }[] = [];
  for (const path of ids.size > 0 ? paths : []) {
    signal.throwIfAborted();
    try {
      const files = await countRowsOf(path, ids);
      const rows = Object.values(files).reduce((sum, count) => sum + count, 0);
      if (rows > 0) affected.push({ path, rows, files });
    } catch (error) {
      failures.push({ path, message: failureOf(error, signal).message });
    }
  }
  return { affected, failures };
}

/** Folders with a manifest beside a data file, but for those of packages and hidden ones. */
async function datasetsBelow(folder: string, signal: AbortSignal): Promise<string[]> {
  signal.throwIfAborted();
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const files = new Set(entries.filter((entry) => entry.isFile()).map(({ name }) => name));
  const found = files.has("manifest.json") && files.has("train.jsonl") ? [folder] : [];
  for (const entry of entries) {
    if (!entry.isDirectory() || entry.name.startsWith(".") || entry.name === "node_modules") continue;
    found.push(...(await datasetsBelow(join(folder, entry.name), signal)));
  }
  return found.sort();
}
