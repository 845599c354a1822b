import {
  exactMatch,
  heuristicScorer,
  llmJudge,
  mathVerifier,
  type Scorer,
  ScoringError,
  scoreInteractions,
} from "@whetstone/core";
import { Command, Option } from "commander";
import { CliError } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { count, counted } from "../counted.js";
import { ExitCode } from "../exit-code.js";
import { list, pointInTime, wholeNumber } from "../option-values.js";
import { createProgress } from "../progress.js";
import { terminalText } from "../terminal-text.js";

interface ScoreOptions {
  readonly scorer: "math" | "exact" | "heuristic" | "judge";
  readonly model?: string;
  readonly baseUrl?: string;
  readonly agentType?: readonly string[];
  readonly since?: number;
  readonly concurrency?: number;
  readonly limit?: number;
  readonly rescore?: boolean;
}

/** `whetstone score`: scores what no equal or better scorer has scored yet. */
export function scoreCommand(io: CliIo): Command {
  return new Command("score")
    .summary("score interactions: by rules, by their reference or by a model")
    .description(
      "Scores interactions, but those that a scorer of the same or a higher rank has scored already: a verifier (math,\n" +
        "exact) ranks over a judge, a judge over the heuristic. What a scorer cannot say stays unscored, which is not 0.\n" +
        "  math       compares final results with the reference: numbers, fractions, units, formulas\n" +
        "  exact      compares the answer with the reference, letter by letter\n" +
        "  heuristic  scores errors and empty, refused, repetitive and cut-off answers low, and says nothing of others\n" +
        "  judge      asks a model behind any OpenAI-compatible endpoint (OPENAI_API_KEY, OPENAI_BASE_URL)",
    )
    .addOption(
      new Option("--scorer <name>", "who judges")
        .choices(["math", "exact", "heuristic", "judge"])
        .makeOptionMandatory(),
    )
    .option("--model <name>", "judge: the model that judges")
    .option("--base-url <url>", "judge: the endpoint (default: $OPENAI_BASE_URL, then OpenAI)")
    .option("--agent-type <name>", "only this agent type; repeatable", list)
    .option("--since <time>", "only from this time on: ISO 8601, or an age such as 7d", pointInTime(io.now))
    .option("--concurrency <count>", "how many at once", wholeNumber(1))
    .option("--limit <count>", "at most so many", wholeNumber(1))
    .option("--rescore", "score what is scored already, too")
    .addHelpText(
      "after",
      examples(
        ["whetstone score --scorer math", "verify answers against their references"],
        ["whetstone score --scorer judge --model gpt-5-mini --limit 100", "let a model judge a hundred"],
        [
          "whetstone score --scorer judge --model llama3.1 --base-url http://localhost:11434/v1",
          "the same with a model on this machine",
        ],
      ),
    )
    .action(commandAction(io, run));
}

async function run(context: CommandContext, options: ScoreOptions): Promise<ExitCode> {
  const { io, output } = context;
  const scorer = chosenScorer(options, io);
  let done = 0;
  const progress = createProgress(io, `scoring with ${scorer.source}`, "interactions", () => ({ done }));
  const report = await context
    .withStore(
      (store) =>
        scoreInteractions(store, scorer, {
          filter: { agentTypes: options.agentType, startTime: options.since },
          concurrency: options.concurrency,
          limit: options.limit,
          rescore: options.rescore,
          signal: io.signal,
          onProgress: ({ considered }) => {
            done = considered;
          },
        }),
      { mustExist: true },
    )
    .finally(() => progress.stop());

  const { considered, scored, skipped, unscored, failed, failures } = report;
  const [first] = failures;
  if (first && scored + unscored === 0) {
    throw new ScoringError(first.code, `none of ${counted(failed, "interaction")} could be scored: ${first.reason}`);
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
    });
  } else {
    const parts = [`${count(scored)} scored by ${terminalText(scorer.source)}`];
    if (skipped > 0) parts.push(`${count(skipped)} had a score already`);
    if (unscored > 0) parts.push(`${count(unscored)} it cannot judge`);
    if (failed > 0) parts.push(`${count(failed)} failed`);
    await output.writeLines(parts.join(", "));
    await output.note(
      ...failures.map(({ interactionId, reason }) => `  ${terminalText(`${interactionId}: ${reason}`)}`),
    );
  }
  return failed === 0 ? ExitCode.done : ExitCode.partly;
}

function chosenScorer({ scorer, model, baseUrl }: ScoreOptions, { env }: CliIo): Scorer {
  if (scorer === "judge") {
    if (model === undefined) throw new CliError("USAGE", "--model is missing: name the model that judges");
    const baseURL = baseUrl ?? (env.OPENAI_BASE_URL || undefined);
    return llmJudge({ model, baseURL, apiKey: env.OPENAI_API_KEY || undefined });
  }
  if (model !== undefined || baseUrl !== undefined) {
    throw new CliError("USAGE", "--model and --base-url are for --scorer judge only");
  }
  return SCORERS[scorer]();
}

const SCORERS = { math: mathVerifier, exact: exactMatch, heuristic: heuristicScorer };
