import { type Scorer, scorer } from "@whetstone/core";

/**
 * Scores an answer by its citations alone: the share of its sentences that a cited source says. It cannot say where
 * nothing was claimed. Trust it where the agent's own report can be trusted, as here.
 */
export const citationsVerifier: Scorer = scorer("verifier:citations", ({ metadata }) => {
  const quality = metadata?.citationQuality;
  return typeof quality === "number" ? { scores: { overall: quality } } : null;
});
