import type { StoredInteraction } from "./annotation.js";
import type { Usage } from "./interaction.js";

/** What a scorer says of one answer. */
export interface Score {
  /** Each in 0..1; `overall` decides. */
  readonly scores: Readonly<Record<string, number>> & { readonly overall: number };
  /** Why, in a sentence. */
  readonly rationale?: string | undefined;
}

/** What a scorer gets beside the interaction. */
export interface ScorerContext {
  readonly signal?: AbortSignal | undefined;
  /** Hears what each model call took, whether it led to a score or not. */
  readonly onUsage?: ((usage: Usage) => void) | undefined;
}

/** What scoring would take, about, without asking anybody. */
export interface ScoringEstimate {
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Null where no price is known. */
  readonly costUsd: number | null;
}

/**
 * Judges one answer. Null means *cannot say*: the interaction stays unscored, which is not 0.
 * `source` (`verifier:math`, `judge:<model>@<rubric>`, …) says who is speaking, and so how much it weighs.
 */
export interface Scorer {
  (interaction: StoredInteraction, context: ScorerContext): Promise<Score | null>;
  readonly source: string;
  /** Only scorers that call a model have it. */
  readonly estimate?: ((interaction: StoredInteraction) => ScoringEstimate | Promise<ScoringEstimate>) | undefined;
}

/** Makes a scorer out of a function and the source it speaks as. */
export function scorer(
  source: string,
  judge: (interaction: StoredInteraction, context: ScorerContext) => Promise<Score | null> | Score | null,
): Scorer {
  const score = async (interaction: StoredInteraction, context: ScorerContext) => judge(interaction, context);
  return Object.assign(score, { source });
}
