import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  ConfigError,
  citationVerifier,
  codeVerifier,
  exactMatch,
  heuristicScorer,
  judgeBudget,
  llmJudge,
  mathVerifier,
  parseRubric,
  type Rubric,
  type Scorer,
  toolCallMatch,
} from "@whetstone/core";
import { CliError, systemReason } from "./cli-error.js";
import type { CliIo } from "./cli-io.js";
import { storeFolder } from "./cli-store.js";

const SCORERS = {
  math: mathVerifier,
  exact: exactMatch,
  code: codeVerifier,
  citations: citationVerifier,
  "tool-calls": toolCallMatch,
  heuristic: heuristicScorer,
};

/** What `--scorer` can be. */
export type ScorerName = keyof typeof SCORERS | "judge";
export const scorerNames: readonly string[] = [...Object.keys(SCORERS), "judge"];

/** The options that choose a scorer; all but the first are a judge's. */
export interface ScorerChoice {
  readonly scorer: ScorerName;
  readonly model?: string;
  readonly baseUrl?: string;
  readonly rubric?: string;
  readonly price?: readonly [inputUsd: number, outputUsd: number];
  readonly tokensPerDay?: number;
  readonly usdPerDay?: number;
}

/** Makes the scorer that a command line names, with the judge's account of the day beside the store at `storeUrl`. */
export async function chosenScorer(choice: ScorerChoice, { env, cwd }: CliIo, storeUrl = ""): Promise<Scorer> {
  const { scorer, model, baseUrl, rubric, price, tokensPerDay, usdPerDay } = choice;
  if (scorer !== "judge") {
    const given = [model, baseUrl, rubric, price, tokensPerDay, usdPerDay];
    if (given.every((option) => option === undefined)) return SCORERS[scorer]();
    throw new CliError("USAGE", "--model, --base-url, --rubric, --price and the budgets are for --scorer judge only");
  }
  if (model === undefined) throw new CliError("USAGE", "--model is missing: name the model that judges");
  if (usdPerDay !== undefined && !price) {
    throw new CliError("USAGE", "--usd-per-day needs --price, so that costs are known");
  }
  // The account of what was spent lies beside the interactions, so that every run of the day heeds it.
  const folder = storeFolder(storeUrl) ?? join(cwd, "whetstone-usage");
  return llmJudge({
    model,
    baseURL: baseUrl ?? (env.OPENAI_BASE_URL || undefined),
    apiKey: env.OPENAI_API_KEY || undefined,
    rubric: rubric === undefined ? undefined : await readRubric(rubric, cwd),
    price: price && { inputUsd: price[0], outputUsd: price[1] },
    budget: tokensPerDay || usdPerDay ? judgeBudget({ tokensPerDay, usdPerDay, folder }) : undefined,
  });
}

async function readRubric(file: string, cwd: string): Promise<Rubric> {
  let text: string;
  try {
    text = await readFile(resolve(cwd, file), "utf8");
  } catch (error) {
    throw new CliError("INPUT_UNREADABLE", `cannot read ${file}: ${systemReason(error)}`, { cause: error });
  }
  try {
    return parseRubric(JSON.parse(text));
  } catch (error) {
    const reason = ConfigError.isInstance(error) ? error.message : "it is not JSON";
    throw new CliError("INPUT_INVALID", `${file} is no rubric: ${reason}`, { cause: error });
  }
}
