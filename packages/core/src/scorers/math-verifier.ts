import { type Scorer, scorer } from "../scorer.js";
import { extractFinalAnswer } from "./final-answer.js";
import { checkTolerance, compareAnswers, type MathEqualOptions } from "./math-equal.js";

/**
 * Scores 1 when the answer's final result equals the reference's, else 0. An answer without any result is wrong.
 * Null without a reference, and where only mathjs could tell and it is not installed.
 */
export function mathVerifier({ tolerance }: MathEqualOptions = {}): Scorer {
  checkTolerance(tolerance);
  return scorer("verifier:math", async ({ answer, reference }) => {
    if (reference === undefined || reference.trim() === "") return null;
    const expected = extractFinalAnswer(reference) ?? reference.trim();
    const result = extractFinalAnswer(answer);
    if (result === null) return verdict(0, `no final answer found, expected ${shown(expected)}`);
    const equal = await compareAnswers(result, expected, { tolerance });
    if (equal === "unknown") return null;
    return equal
      ? verdict(1, `${shown(result)} equals ${shown(expected)}`)
      : verdict(0, `${shown(result)} is not ${shown(expected)}`);
  });
}

const verdict = (value: 0 | 1, rationale: string) => ({ scores: { overall: value, correctness: value }, rationale });

const shown = (text: string) => (text.length > 80 ? `${text.slice(0, 79)}…` : text);
