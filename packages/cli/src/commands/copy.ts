import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  type CopyProgress,
  type CopyReport,
  copyStore,
  type InteractionStore,
  openStore,
  snakeKeys,
} from "@whetstone/core";
import { Command } from "commander";
import { CliError } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { absoluteUrl, openCliStore } from "../cli-store.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { counted } from "../counted.js";
import { ExitCode } from "../exit-code.js";
import { createProgress } from "../progress.js";

/** `whetstone copy <from> <to>`: moves a store's content to another kind of store. */
export function copyCommand(io: CliIo): Command {
  return new Command("copy")
    .summary("copy a store's content into another store")
    .description(
      "Copies all interactions with their scores and feedback from one store to another. Copying again adds only what\n" +
        "is new. After an interruption the same command goes on where it was.",
    )
    .argument("<from>", "a folder or a store URL")
    .argument("<to>", "another one")
    .addHelpText(
      "after",
      examples(
        ["whetstone copy file:./.whetstone redis://127.0.0.1:6379", "from this folder to a Redis"],
        ["whetstone copy redis://127.0.0.1:6379 file:./backup", "and into files, to keep or to carry away"],
      ),
    )
    .action(commandAction(io, (context, _options, [from, to]) => run(context, from as string, to as string)));
}

async function run({ io, output }: CommandContext, given: string, target: string): Promise<ExitCode> {
  const from = await openCliStore(io, given, { mustExist: true });
  const to = openStore(absoluteUrl(target, io.cwd));
  // The stores' own URLs, which show no password.
  if (from.url === to.url) throw new CliError("USAGE", `${from.url} cannot be copied into itself: name another store`);
  let latest: CopyProgress | undefined;
  const place = placeFile(io.cwd, from.url, to.url);
  const { totalInteractions } = await from.stats();
  const progress = createProgress(io, "copying", "interactions", () => {
    const done = latest ? latest.copied + latest.present : 0;
    return { done, share: totalInteractions > 0 ? done / totalInteractions : undefined };
  });
  let report: CopyReport;
  try {
    report = await copyStore(from, to, {
      cursor: await savedPlace(place, to),
      signal: io.signal,
      onBatch(told) {
        latest = told;
        savePlace(place, told);
      },
    });
  } finally {
    progress.stop();
    await Promise.allSettled([from.close(), to.close()]);
  }
  rmSync(place, { force: true });
  if (output.json) {
    await output.writeJson({ from: from.url, to: to.url, ...snakeKeys(report) });
  } else {
    await output.writeLines(
      `${counted(report.copied, "interaction")} and ${counted(report.annotations, "annotation")} copied to ${to.url}; ` +
        `${counted(report.present, "interaction")} ${report.present === 1 ? "was" : "were"} there already`,
    );
  }
  return ExitCode.done;
}

/** Where an interrupted copy between these two stores notes how far it is. */
function placeFile(cwd: string, from: string, to: string): string {
  const name = createHash("sha256").update(`${from}\n${to}`).digest("hex").slice(0, 16);
  return resolve(cwd, ".whetstone", "copies", name);
}

/** Undefined is from the start, which is never wrong: where nothing was saved, or the other store has lost what it had. */
async function savedPlace(path: string, to: InteractionStore): Promise<string | undefined> {
  let saved: Partial<CopyProgress>;
  try {
    saved = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
  const { cursor, lastId } = saved;
  return typeof cursor === "string" && typeof lastId === "string" && (await to.get(lastId)) ? cursor : undefined;
}

function savePlace(path: string, { cursor, lastId }: CopyProgress): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, JSON.stringify({ cursor, lastId }), { mode: 0o600 });
  } catch {
    // Only the way to go on faster is lost.
  }
}
