import { statfsSync } from "node:fs";
import { resolve } from "node:path";
import {
  DEFAULT_SPOOL_DIRECTORY,
  type InteractionStore,
  type StoreHealth,
  type StoreStats,
  snakeKeys,
  spoolBacklog,
} from "@whetstone/core";
import { Command } from "commander";
import { CliError } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { storeFolder } from "../cli-store.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { count, counted } from "../counted.js";
import { ExitCode } from "../exit-code.js";
import { terminalText } from "../terminal-text.js";

/** Less free disk than this is told. */
const LITTLE_SPACE = 1e9;

/** `whetstone doctor`: whether the store is well, and what to do about it where it is not. */
export function doctorCommand(io: CliIo): Command {
  return new Command("doctor")
    .summary("tell whether the store is well, and what to fix")
    .description(
      "Tells of the store whether it answers, what it is, what it holds, what waits on this machine to get there, and\n" +
        "what to fix. Exit code 0: all is well; 3: it works, but something should be fixed; 1: it does not work.",
    )
    .option("--spool <folder>", "the spoolDirectory of the loggers on this machine", DEFAULT_SPOOL_DIRECTORY)
    .addHelpText(
      "after",
      examples(
        ["whetstone doctor", "the store of this folder"],
        ["whetstone doctor --store redis://127.0.0.1:6379", "a Redis: version, role, memory, eviction policy, …"],
        ["whetstone doctor --json | jq -e '.problems == []'", "for a script"],
      ),
    )
    .action(
      commandAction<DoctorOptions>(io, (context, options) =>
        context.withStore((store) => run(context, options, store), { mustExist: true }),
      ),
    );
}

interface DoctorOptions {
  readonly spool: string;
}

async function run(
  { io, output }: CommandContext,
  { spool }: DoctorOptions,
  store: InteractionStore,
): Promise<ExitCode> {
  const { health, stats } = await examined(store);
  const facts: Record<string, string | number> = { ...health.facts, ...diskFacts(store.url) };
  const backlog = spoolBacklog(store.url, resolve(io.cwd, spool));
  const problems = [...health.reasons];
  if (Number(facts.freeDiskBytes) < LITTLE_SPACE) {
    problems.push(`only ${bytes(Number(facts.freeDiskBytes))} of the disk are free: make room, or remove old days`);
  }
  const exitCode = health.status === "down" ? ExitCode.failed : problems.length > 0 ? ExitCode.partly : ExitCode.done;
  if (output.json) {
    await output.writeJson({
      store: store.url,
      status: health.status,
      facts: snakeKeys(facts),
      interactions: stats?.totalInteractions ?? null,
      unscored: stats?.unscoredCount ?? null,
      backlog,
      problems,
    });
    return exitCode;
  }
  const lines: [string, string][] = [
    ["store", store.url],
    ["reachable", health.status === "down" ? "no" : "yes"],
    ...Object.entries(facts).map(([name, value]): [string, string] => [words(name), shown(name, value)]),
  ];
  if (stats) {
    lines.push(["holds", `${counted(stats.totalInteractions, "interaction")}, ${count(stats.unscoredCount)} unscored`]);
  }
  const waits = `${counted(backlog.segments, "segment")} of ${bytes(backlog.bytes)}`;
  lines.push(["spooled here", backlog.segments === 0 ? "nothing" : waits]);
  const width = Math.max(...lines.map(([name]) => name.length));
  await output.writeLines(
    ...lines.map(([name, value]) => `${name.padEnd(width)}  ${terminalText(value)}`),
    "",
    ...(problems.length === 0 ? ["all is well"] : ["to fix:", ...problems.map((one) => `- ${terminalText(one)}`)]),
  );
  return exitCode;
}

/** What the store says of itself. One that cannot be opened at all is down, and why is the first thing to fix. */
async function examined(
  store: InteractionStore,
): Promise<{ readonly health: StoreHealth; readonly stats: StoreStats | null }> {
  try {
    const health = await store.health();
    return { health, stats: health.status === "down" ? null : await store.stats() };
  } catch (error) {
    if (error instanceof CliError) throw error;
    return {
      health: { status: "down", reasons: [error instanceof Error ? error.message : String(error)] },
      stats: null,
    };
  }
}

function diskFacts(url: string): { readonly freeDiskBytes?: number } {
  const folder = storeFolder(url);
  if (folder === null) return {};
  const { bavail, bsize } = statfsSync(folder);
  return { freeDiskBytes: bavail * bsize };
}

const words = (name: string): string =>
  name.replace(/Bytes$/, "").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function shown(name: string, value: string | number): string {
  if (name === "maxBytes" && value === 0) return "no limit";
  return name.endsWith("Bytes") ? bytes(Number(value)) : String(value);
}

function bytes(value: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(value || 1) / 3)));
  return `${power === 0 ? value : (value / 1_000 ** power).toFixed(1)} ${units[power]}`;
}
