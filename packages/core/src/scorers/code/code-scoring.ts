import { availableParallelism } from "node:os";
import type { StoredInteraction } from "../../annotation.js";
import { concurrencyLimit } from "../../concurrency-limit.js";
import type { Score, ScorerContext } from "../../scorer.js";
import { isDegenerate } from "../degenerate-answer.js";
import { type CodeLanguage, codeInAnswer, codeLanguage, languageOfAnswer } from "./code-in-answer.js";
import type { CodeJob, CodeVerdict } from "./code-job.js";
import { runJavaScript } from "./run-javascript.js";
import { runPython } from "./run-python.js";

/** What the code of an answer has to pass. */
export interface CodeTask {
  readonly tests: string;
  readonly language?: CodeLanguage | undefined;
  /** The function that the task asks for. A `check(candidate)` of the tests is called with it. */
  readonly entryPoint?: string | undefined;
  /** Code that the task gives: it stands in front of the answer's, and the tests may use it too. */
  readonly setup?: string | undefined;
}

export interface CodeVerifierOptions {
  /** What an interaction's code has to pass. Default: its metadata's `tests`, `entry_point`, `setup`, or its reference. */
  readonly task?: ((interaction: StoredInteraction) => CodeTask | null) | undefined;
  /** The language where neither the task nor the answer's fences say. */
  readonly language?: CodeLanguage | undefined;
  /** For Python the time it may compute, at most three times as long in all; for JavaScript the time in all. Default 10 s. */
  readonly timeoutMs?: number | undefined;
  /** Default 1 GiB for Python, where libraries reserve a lot, and 64 MiB for JavaScript. */
  readonly maxMemoryBytes?: number | undefined;
  /** The Python to run, 3.9 or newer. Default `python3`. */
  readonly python?: string | undefined;
  /** How many run at once. Default: one a core. */
  readonly concurrency?: number | undefined;
}

/** How `codeVerifier` scores; it loads this, and the two harnesses, with the first answer. */
export function codeScoring({
  task = taskOf,
  language,
  timeoutMs = 10_000,
  maxMemoryBytes,
  python = "python3",
  concurrency = availableParallelism(),
}: CodeVerifierOptions): (interaction: StoredInteraction, context: ScorerContext) => Promise<Score | null> {
  const inTurn = concurrencyLimit(concurrency);

  return async (interaction, { signal }) => {
    const wanted = task(interaction);
    if (wanted === null || wanted.tests.trim() === "") return null;
    if (isDegenerate(interaction.answer)) return verdict({ passed: false, reason: "the answer says nothing" });
    const said = wanted.language ?? languageOfAnswer(interaction.answer);
    const spoken = said === undefined ? language : said;
    if (!spoken) return null;
    const code = codeInAnswer(interaction.answer, spoken, wanted.entryPoint);
    if (code === null || code.trim() === "")
      return verdict({ passed: false, reason: `the answer has no ${spoken} code` });
    const job: CodeJob = {
      setup: wanted.setup ?? "",
      code,
      tests: wanted.tests,
      entryPoint: wanted.entryPoint,
      timeoutMs,
      maxMemoryBytes: maxMemoryBytes ?? DEFAULT_MEMORY[spoken],
    };
    const run = spoken === "python" ? () => runPython(job, python, signal) : () => runJavaScript(job, signal);
    return verdict(await inTurn(run, signal));
  };
}

const DEFAULT_MEMORY: Readonly<Record<CodeLanguage, number>> = { python: 1 << 30, javascript: 64 << 20 };

function verdict({ passed, reason }: CodeVerdict): Score | null {
  if (passed === null) return null;
  const value = passed ? 1 : 0;
  return { scores: { overall: value, correctness: value }, rationale: reason };
}

/** The task as an interaction's metadata states it. */
function taskOf({ metadata, reference }: StoredInteraction): CodeTask | null {
  const text = (...names: readonly string[]) => {
    for (const name of names) {
      const value = metadata?.[name];
      if (typeof value === "string" && value !== "") return value;
    }
    return undefined;
  };
  const language = codeLanguage(text("language") ?? "") ?? undefined;
  const tests = text("tests", "test") ?? reference;
  if (tests === undefined) return null;
  const entryPoint = text("entryPoint", "entry_point");
  return { tests, language, entryPoint, setup: text("setup") };
}
