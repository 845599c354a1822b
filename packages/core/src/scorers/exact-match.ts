import { normaliseText } from "../prompt-key.js";
import { type Scorer, scorer } from "../scorer.js";

export interface ExactMatchOptions {
  /** Applied to both texts before they are compared. Default: NFKC, trimmed, every run of white space one space. */
  readonly normalise?: ((text: string) => string) | undefined;
  /** Default true. */
  readonly caseSensitive?: boolean | undefined;
}

/** Scores 1 when the answer is the reference, else 0. Null without a reference, or with an empty one. */
export function exactMatch({ normalise = normaliseText, caseSensitive = true }: ExactMatchOptions = {}): Scorer {
  const form = (text: string) => (caseSensitive ? normalise(text) : normalise(text).toLowerCase());
  return scorer("verifier:exact", ({ answer, reference }) => {
    if (reference === undefined || reference.trim() === "") return null;
    const matches = form(answer) === form(reference);
    return { scores: { overall: matches ? 1 : 0 }, rationale: `the answer is ${matches ? "" : "not "}the reference` };
  });
}
