import type { Scorer } from "./scorer.js";
import type { ScoreInteractionsOptions, ScoringReport } from "./scoring-run.js";
import type { InteractionStore } from "./store.js";

/**
 * Scores what still needs it and stores the scores, with the set number of calls under way at all times and memory
 * that does not grow. A judge never overrides a verifier, a verifier does override judges, heuristics and logged
 * scores. One that fails is counted, keeps the reason as an annotation and the run goes on; a spent budget ends it
 * early, and so does an endpoint that failed 25 times in a row. A wrong option (ConfigError), a failing store or the signal rejects, after the scores so far are stored.
 */
export async function scoreInteractions(
  store: InteractionStore,
  scorer: Scorer,
  options: ScoreInteractionsOptions = {},
): Promise<ScoringReport> {
  const { scoringRun } = await import("./scoring-run.js");
  return scoringRun(store, scorer, options);
}
