import {
  type InteractionFilter,
  type InteractionStore,
  interactionsToScore,
  type Scorer,
  ScoringError,
  type ScoringUsage,
  scoreInteractions,
  snakeKeys,
} from "@whetstone/core";
import { Command, InvalidArgumentError, Option } from "commander";
import { chosenScorer, type ScorerChoice, scorerNames } from "../chosen-scorer.js";
import { CliError } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { count, counted } from "../counted.js";
import { ExitCode } from "../exit-code.js";
import { list, pointInTime, wholeNumber } from "../option-values.js";
import { createProgress } from "../progress.js";
import { terminalText } from "../terminal-text.js";

interface ScoreOptions extends ScorerChoice {
  readonly agentType?: readonly string[];
  readonly since?: number;
  readonly concurrency?: number;
  readonly limit?: number;
  readonly rescore?: boolean;
  readonly follow?: boolean;
  readonly dryRun?: boolean;
}

/** `whetstone score`: scores what no equal or better scorer has scored yet. */
export function scoreCommand(io: CliIo): Command {
  return new Command("score")
    .summary("score interactions: by rules, by their reference or by a model")
    .description(
      "Scores interactions, but those that a scorer of the same or a higher rank has scored already: a verifier (all but\n" +
        "the last two) ranks over a judge, a judge over the heuristic. What a scorer cannot say stays unscored, which is not 0.\n" +
        "  math       compares final results with the reference: numbers, fractions, units, formulas\n" +
        "  exact      compares the answer with the reference, letter by letter\n" +
        "  code       runs the answer's JavaScript or Python against the tests in metadata.tests or the reference\n" +
        "  citations  looks whether what is cited is among the sources, and says what the answer says\n" +
        "  tool-calls compares the tool calls made with metadata.expectedToolCalls or the reference\n" +
        "  heuristic  scores errors and empty, refused, repetitive and cut-off answers low, and says nothing of others\n" +
        "  judge      asks a model behind any OpenAI-compatible endpoint (OPENAI_API_KEY, OPENAI_BASE_URL)",
    )
    .addOption(new Option("--scorer <name>", "who judges").choices(scorerNames).makeOptionMandatory())
    .option("--model <name>", "judge: the model that judges")
    .option("--base-url <url>", "judge: the endpoint (default: $OPENAI_BASE_URL, then OpenAI)")
    .option("--rubric <file>", "judge: a rubric of your own, as JSON: {id, task, criteria: [{id, description}]}")
    .option("--price <input,output>", "judge: US dollars for a million tokens, so that costs are known", price)
    .option("--tokens-per-day <count>", "judge: stop when it has used so many tokens on a UTC day", wholeNumber(1))
    .option("--usd-per-day <dollars>", "judge: stop when it has spent so much on a UTC day", dollars)
    .option("--agent-type <name>", "only this agent type; repeatable", list)
    .option("--since <time>", "only from this time on: ISO 8601, or an age such as 7d", pointInTime(io.now))
    .option("--concurrency <count>", "how many at once", wholeNumber(1))
    .option("--limit <count>", "at most so many", wholeNumber(1))
    .option("--rescore", "score what is scored already, too")
    .option("--follow", "go on with what comes, until Ctrl-C; on a Redis store several processes share the work")
    .option("--dry-run", "only say how many would be scored, with how many calls and at about what cost")
    .addHelpText(
      "after",
      examples(
        ["whetstone score --scorer math", "verify answers against their references"],
        ["whetstone score --scorer judge --model gpt-5-mini --price 0.25,2 --dry-run", "what would it cost?"],
        ["whetstone score --scorer judge --model gpt-5-mini --limit 100", "let a model judge a hundred"],
        [
          "whetstone score --scorer judge --model gpt-5-mini --follow --usd-per-day 5 --price 0.25,2",
          "keep on judging",
        ],
        [
          "whetstone score --scorer judge --model llama3.1 --base-url http://localhost:11434/v1",
          "the same with a model on this machine",
        ],
      ),
    )
    .action(commandAction(io, run));
}

async function run(context: CommandContext, options: ScoreOptions): Promise<ExitCode> {
  const { io } = context;
  return context.withStore(
    async (store) => {
      const scorer = await chosenScorer(options, io, store.url);
      const filter = { agentTypes: options.agentType, startTime: options.since };
      if (options.dryRun) return estimate(context, store, scorer, filter, options);
      return score(context, store, scorer, filter, options);
    },
    { mustExist: true },
  );
}

async function score(
  { io, output }: CommandContext,
  store: InteractionStore,
  scorer: Scorer,
  filter: InteractionFilter,
  { concurrency, limit, rescore, follow }: ScoreOptions,
): Promise<ExitCode> {
  let done = 0;
  const progress = createProgress(io, `scoring with ${scorer.source}`, "interactions", () => ({ done }));
  const report = await scoreInteractions(store, scorer, {
    filter,
    concurrency,
    limit,
    rescore,
    follow,
    signal: io.signal,
    onProgress: ({ considered }) => {
      done = considered;
    },
  }).finally(() => progress.stop());

  const { considered, scored, skipped, unscored, failed, failures, usage, stoppedBy } = report;
  const first = stoppedBy ?? failures[0];
  if (first && scored + unscored === 0 && !follow) {
    const count = failed > 0 ? `none of ${counted(failed, "interaction")} could be scored: ` : "";
    throw new ScoringError(first.code, `${count}${first.reason}`);
  }
  if (output.json) {
    await output.writeJson({
      source: scorer.source,
      considered,
      scored,
      skipped,
      unscored,
      failed,
      failures: failures.map(({ interactionId, code, reason }) => ({ interaction_id: interactionId, code, reason })),
      usage: snakeKeys(usage),
      stopped_by: stoppedBy,
    });
  } else {
    const parts = [`${count(scored)} scored by ${terminalText(scorer.source)}`];
    if (skipped > 0) parts.push(`${count(skipped)} had a score already`);
    if (unscored > 0) parts.push(`${count(unscored)} it cannot judge`);
    if (failed > 0) parts.push(`${count(failed)} failed`);
    await output.writeLines(parts.join(", "));
    if (usage.calls > 0) await output.writeLines(spent(usage));
    await output.note(
      ...failures.map(({ interactionId, reason }) => `  ${terminalText(`${interactionId}: ${reason}`)}`),
      ...(failed > 0 ? ["all of them: whetstone query --unscored --reason"] : []),
      ...(stoppedBy ? [`stopped: ${terminalText(stoppedBy.reason)}`] : []),
    );
  }
  return failed === 0 && !stoppedBy ? ExitCode.done : ExitCode.partly;
}

/** Says what a run would take, and asks nobody. */
async function estimate(
  { io, output }: CommandContext,
  store: InteractionStore,
  scorer: Scorer,
  filter: InteractionFilter,
  { limit = Infinity, rescore, follow }: ScoreOptions,
): Promise<ExitCode> {
  if (follow) throw new CliError("USAGE", "--dry-run and --follow do not go together: use one of them");
  const sum = { calls: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 };
  let toScore = 0;
  let isPriced = true;
  for await (const interaction of interactionsToScore(store, scorer.source, { filter, rescore, signal: io.signal })) {
    if (toScore >= limit) break;
    toScore += 1;
    const one = await scorer.estimate?.(interaction);
    if (!one) continue;
    sum.calls += one.calls;
    sum.inputTokens += one.inputTokens;
    sum.outputTokens += one.outputTokens;
    sum.costUsd += one.costUsd ?? 0;
    isPriced &&= one.costUsd !== null;
  }
  const costUsd = isPriced ? sum.costUsd : null;
  if (output.json) {
    await output.writeJson({ source: scorer.source, to_score: toScore, estimate: snakeKeys({ ...sum, costUsd }) });
    return ExitCode.done;
  }
  const cost = costUsd === null ? "; give --price to see the cost" : `, about ${usd(costUsd)}`;
  const calls =
    sum.calls === 0
      ? "no model call"
      : `${counted(sum.calls, "call")}, about ${count(sum.inputTokens)} tokens in and ${count(sum.outputTokens)} out${cost}`;
  await output.writeLines(`${counted(toScore, "interaction")} to score by ${terminalText(scorer.source)}: ${calls}`);
  return ExitCode.done;
}

function spent({ calls, inputTokens, outputTokens, costUsd }: ScoringUsage): string {
  const cost = costUsd > 0 ? `, ${usd(costUsd)}` : "";
  return `${counted(calls, "call")}, ${count(inputTokens)} tokens in and ${count(outputTokens)} out${cost}`;
}

function usd(amount: number): string {
  return `$${amount.toFixed(amount < 1 ? 4 : 2)}`;
}

function price(text: string): readonly [number, number] {
  const prices = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const [input = Number.NaN, output = Number.NaN] = prices;
  if (prices.length === 2 && input >= 0 && output >= 0) return [input, output];
  throw new InvalidArgumentError('Give two prices for a million tokens, such as "0.25,2".');
}

function dollars(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value < Infinity) return value;
  throw new InvalidArgumentError("Give an amount above 0.");
}
