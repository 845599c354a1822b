import { setTimeout as sleep } from "node:timers/promises";
import {
  effectiveScore,
  type InteractionFilter,
  type InteractionStore,
  interactionRow,
  type StoredInteraction,
} from "@whetstone/core";
import { Command } from "commander";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { ExitCode } from "../exit-code.js";
import { errorsOption } from "../interaction-choice.js";
import { fraction, list, wholeNumber } from "../option-values.js";
import type { Output } from "../output.js";
import { cutToWidth, terminalText } from "../terminal-text.js";

interface TailOptions {
  readonly lines: number;
  readonly agentType?: readonly string[];
  readonly minQuality?: number;
  readonly errors?: "include" | "exclude" | "only";
  readonly follow: boolean;
}

/** `whetstone tail`: shows interactions as they come, until Ctrl-C. */
export function tailCommand(io: CliIo): Command {
  return new Command("tail")
    .summary("follow interactions live, until Ctrl-C")
    .description(
      "Shows the last interactions and then each one as it comes, whichever process stores it, until Ctrl-C.\n" +
        "With --min-quality one is shown as soon as it is scored.",
    )
    .option("-n, --lines <count>", "how many to begin with", wholeNumber(0, 10_000), 10)
    .option("--agent-type <name>", "only this agent type; repeatable", list)
    .option("--min-quality <score>", "only with a score of at least this", fraction)
    .addOption(errorsOption())
    .option("--no-follow", "end after the last ones")
    .addHelpText(
      "after",
      examples(
        ["whetstone tail", "watch an agent at work"],
        [
          "whetstone tail --errors --lines 0 --store redis://127.0.0.1:6379",
          "what fails from now on, in all processes",
        ],
        ["whetstone tail --agent-type math --json | jq -r .answer", "the answers alone"],
      ),
    )
    .action(commandAction(io, run));
}

async function run(context: CommandContext, options: TailOptions): Promise<ExitCode> {
  const { io, output } = context;
  const { agentType: agentTypes, minQuality, errors, lines, follow } = options;
  const show = async (interactions: readonly StoredInteraction[]) => {
    if (output.json) await output.writeJson(...interactions.map(interactionRow));
    else await output.writeLines(...interactions.map((interaction) => lineOf(interaction, io, output)));
  };
  await context.withStore(
    async (store) => {
      const filter = { agentTypes, minQuality, errors };
      const came = follow ? newcomers(store, filter, io) : null;
      // What is there is noted first, so that nothing falls between the last ones and the new ones.
      await came?.next();
      const last = await lastOf(store, filter, lines);
      await show(last);
      if (!came) return;
      const shown = new Set(last.map(({ interactionId }) => interactionId));
      for await (const interactions of came) {
        await show(interactions.filter(({ interactionId }) => !shown.has(interactionId)));
        if (output.closed) return;
      }
    },
    { mustExist: true },
  );
  return ExitCode.done;
}

async function lastOf(store: InteractionStore, filter: InteractionFilter, most: number): Promise<StoredInteraction[]> {
  const last: StoredInteraction[] = [];
  if (most === 0) return last;
  for await (const batch of store.query({ ...filter, order: "desc", limit: most })) last.push(...batch);
  return last.reverse();
}

/** Between two looks. A look that takes long is followed by a longer pause, so that looking never fills the time. */
const POLL_MS = 500;
const PAUSE_SHARE = 4;
/** A record can be stored later than its own time: after a retry, or out of a spool. So much later, at most. */
const LATEST_MS = 15 * 60_000;

/** What was not there at the look before, oldest first. The first look only notes what is there, and gives nothing. */
async function* newcomers(
  store: InteractionStore,
  filter: InteractionFilter,
  { signal, now }: CliIo,
): AsyncGenerator<readonly StoredInteraction[], undefined> {
  let seen: ReadonlySet<number> | null = null;
  while (!signal.aborted) {
    const began = performance.now();
    const there = new Set<number>();
    const fresh: number[] = [];
    for await (const { length, refs } of store.scanIndex({ ...filter, startTime: now() - LATEST_MS })) {
      for (let i = 0; i < length; i++) {
        const ref = refs[i] as number;
        there.add(ref);
        if (seen && !seen.has(ref)) fresh.push(ref);
      }
    }
    if (seen === null) yield [];
    seen = there;
    for await (const records of store.fetch(fresh)) yield records.map(({ interaction }) => interaction);
    const pause = Math.max(POLL_MS, PAUSE_SHARE * (performance.now() - began));
    await sleep(pause, undefined, { signal }).catch(() => {});
  }
}

function lineOf(interaction: StoredInteraction, io: CliIo, { bold }: Output): string {
  const { timestamp, agentType, query, answer, errorOccurred, errorMessage } = interaction;
  const time = new Date(timestamp).toISOString().slice(11, 19);
  const score = effectiveScore(interaction)?.overall.toFixed(2) ?? "   –";
  const head = `${time}  ${cutToWidth(terminalText(agentType), 12).padEnd(12)}  ${score}  `;
  const said = errorOccurred ? `error: ${errorMessage ?? answer}` : answer;
  const width = Math.max(40, (io.stdout.columns || 120) - head.length);
  const question = cutToWidth(terminalText(query), Math.floor(width * 0.45));
  return `${head}${bold(question)}  ${cutToWidth(terminalText(said), Math.floor(width * 0.55) - 2)}`;
}
