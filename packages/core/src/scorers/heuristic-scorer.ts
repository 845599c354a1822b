import { type Scorer, scorer } from "../scorer.js";

/**
 * Scores low what shows a defect on its face: an error, an empty answer, a refusal, a cut-off text, endless repetition.
 * Null for everything else: this is a floor, it never calls an answer good.
 */
export function heuristicScorer(): Scorer {
  return scorer("heuristic:v1", async (interaction) => {
    const { defectScore } = await import("./answer-defects.js");
    return defectScore(interaction);
  });
}
