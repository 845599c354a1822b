import { ConfigError } from "../errors.js";
import { type Scorer, scorer } from "../scorer.js";
import type { MathEqualOptions } from "./math-equal.js";

/**
 * Scores 1 when the answer's final result equals the reference's, else 0. An answer without any result is wrong.
 * Null without a reference, and where only mathjs could tell and it is not installed.
 */
export function mathVerifier({ tolerance }: MathEqualOptions = {}): Scorer {
  checkTolerance(tolerance);
  return scorer("verifier:math", async ({ answer, reference }) => {
    if (reference === undefined || reference.trim() === "") return null;
    const [{ finalAnswer }, { compareAnswers }] = await Promise.all([reading(), comparing()]);
    const expected = finalAnswer(reference) ?? reference.trim();
    const result = finalAnswer(answer);
    if (result === null) return verdict(0, `no final answer found, expected ${shown(expected)}`);
    const equal = await compareAnswers(result, expected, { tolerance });
    if (equal === "unknown") return null;
    return equal
      ? verdict(1, `${shown(result)} equals ${shown(expected)}`)
      : verdict(0, `${shown(result)} is not ${shown(expected)}`);
  });
}

/**
 * Whether two answers say the same: numbers, fractions, percentages, units of measure, lists, and expressions where
 * mathjs is installed. Symmetric, and reflexive for every text.
 */
export async function mathEqual(a: string, b: string, { tolerance }: MathEqualOptions = {}): Promise<boolean> {
  checkTolerance(tolerance);
  const { compareAnswers } = await comparing();
  return (await compareAnswers(a, b, { tolerance })) === true;
}

/**
 * The final answer that a worked solution arrives at: what stands in the last `\boxed{…}`, after the last `####`,
 * `A:`, `Answer:` or "the answer is", or in a later correction ("wait, no, it is 12"), else the end of the last
 * equation, else the last amount. What it denies ("it is not 12") is no answer, and a range is one as a whole.
 * Null when there is none. Takes linear time on any text.
 */
export async function extractFinalAnswer(text: string): Promise<string | null> {
  return (await reading()).finalAnswer(text);
}

const reading = () => import("./final-answer.js");
const comparing = () => import("./math-equal.js");

/** @throws ConfigError when the tolerance is not a share */
function checkTolerance(tolerance: number | undefined): void {
  if (tolerance !== undefined && !(tolerance >= 0 && tolerance < 1)) {
    throw new ConfigError(`tolerance is ${tolerance}: use a relative difference from 0 to below 1, such as 0.01`);
  }
}

const verdict = (value: 0 | 1, rationale: string) => ({ scores: { overall: value, correctness: value }, rationale });

const shown = (text: string) => (text.length > 80 ? `${text.slice(0, 79)}…` : text);
