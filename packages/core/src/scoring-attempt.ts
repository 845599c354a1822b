import type { ScoreAnnotation, StoredInteraction, UnscoredAnnotation } from "./annotation.js";
import { ConfigError, type ErrorCode, ScoringError, WhetstoneError } from "./errors.js";
import { addUsage, type Usage } from "./interaction.js";
import type { Score, Scorer } from "./scorer.js";

/** What came of asking a scorer once. */
export interface ScoringOutcome {
  readonly result: "scored" | "unscored" | "failed" | "overBudget";
  /** What is to be stored; null when there is nothing to say. */
  readonly fact: ScoreAnnotation | UnscoredAnnotation | null;
  /** Why there is no score, where something failed. */
  readonly failure: { readonly code: ErrorCode; readonly reason: string } | null;
  readonly calls: number;
  /** Of all calls together; null when none was made, or the endpoint gave no account. */
  readonly usage: Usage | null;
}

/** What `scoreOne` does; it loads this. */
export async function scoringAttempt(
  scorer: Scorer,
  interaction: StoredInteraction,
  signal: AbortSignal,
): Promise<ScoringOutcome> {
  const { source } = scorer;
  const { interactionId } = interaction;
  let calls = 0;
  let usage: Usage | null = null;
  const onUsage = (more: Usage) => {
    calls += 1;
    usage = addUsage(usage, more);
  };
  const outcome = (
    result: ScoringOutcome["result"],
    fact: ScoringOutcome["fact"] = null,
    failure: ScoringOutcome["failure"] = null,
  ): ScoringOutcome => ({ result, fact: fact && usage ? { ...fact, usage } : fact, failure, calls, usage });

  try {
    const score = await scorer(interaction, { signal, onUsage });
    if (!score) return outcome("unscored");
    checkScore(score);
    const { scores, rationale } = score;
    const said = { interactionId, kind: "score", source, at: Date.now(), scores: { ...scores } } as const;
    return outcome("scored", rationale === undefined ? said : { ...said, rationale });
  } catch (error) {
    if (ConfigError.isInstance(error) || signal.aborted) throw error;
    const code = WhetstoneError.isInstance(error) ? error.code : "SCORING_FAILED";
    const reason = (error instanceof Error ? error.message : String(error)).slice(0, MAX_REASON).toWellFormed();
    // A spent budget says nothing about this interaction: it was not tried.
    if (code === "SCORING_BUDGET") return outcome("overBudget", null, { code, reason });
    return outcome(
      "failed",
      { interactionId, kind: "unscored", source, at: Date.now(), code, reason },
      { code, reason },
    );
  }
}

const MAX_REASON = 1_000;

function checkScore({ scores }: Score): void {
  if (typeof scores !== "object" || scores === null || typeof scores.overall !== "number") {
    throw new ScoringError("SCORING_FAILED", "the scorer gave no `overall`: return { scores: { overall } } or null");
  }
  for (const [name, value] of Object.entries(scores)) {
    if (typeof value !== "number" || !(value >= 0 && value <= 1)) {
      throw new ScoringError("SCORING_FAILED", `the scorer gave ${name} = ${value}: use a number from 0 to 1`);
    }
  }
}
