import type { StoredInteraction } from "./annotation.js";
import type { Scorer } from "./scorer.js";
import type { ScoringOutcome } from "./scoring-attempt.js";

/**
 * Asks a scorer about one interaction. What fails becomes an outcome.
 * @throws ConfigError, which no other interaction would heal, and whatever the scorer throws once the signal has fired
 */
export async function scoreOne(
  scorer: Scorer,
  interaction: StoredInteraction,
  signal: AbortSignal,
): Promise<ScoringOutcome> {
  const { scoringAttempt } = await import("./scoring-attempt.js");
  return scoringAttempt(scorer, interaction, signal);
}
