import type { StoredInteraction } from "./annotation.js";

/** What a scorer says of one answer. */
export interface Score {
  /** Each in 0..1; `overall` decides. */
  readonly scores: Readonly<Record<string, number>> & { readonly overall: number };
  /** Why, in a sentence. */
  readonly rationale?: string | undefined;
}

/**
 * Judges one answer. Null means *cannot say*: the interaction stays unscored, which is not 0.
 * `source` (`verifier:math`, `judge:<model>@<rubric>`, …) says who is speaking, and so how much it weighs.
 */
export interface Scorer {
  (interaction: StoredInteraction, context: { readonly signal?: AbortSignal | undefined }): Promise<Score | null>;
  readonly source: string;
}

/** Makes a scorer out of a function and the source it speaks as. */
export function scorer(
  source: string,
  judge: (
    interaction: StoredInteraction,
    context: { readonly signal?: AbortSignal | undefined },
  ) => Promise<Score | null> | Score | null,
): Scorer {
  const score = async (interaction: StoredInteraction, context: { readonly signal?: AbortSignal | undefined }) =>
    judge(interaction, context);
  return Object.assign(score, { source });
}
