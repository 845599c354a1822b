import { ConfigError } from "../errors.js";
import { type Scorer, scorer } from "../scorer.js";

export interface CitationVerifierOptions {
  /** The share of a claim's words that a source it cites has to hold. Default 0.5; 0 asks for a citation only. */
  readonly minOverlap?: number | undefined;
}

/**
 * Checks what an answer says of its sources: that every citation (`[1]`, `[doc-3]`, `[text](url)`) names one, that what
 * stands in quotation marks stands in a source, and which share of the claims has a source that it cites. The overall
 * score is the lowest of the three. Null without sources.
 */
export function citationVerifier({ minOverlap = 0.5 }: CitationVerifierOptions = {}): Scorer {
  if (!(minOverlap >= 0 && minOverlap <= 1)) {
    throw new ConfigError(`minOverlap is ${minOverlap}: use a number from 0 to 1`);
  }
  return scorer("verifier:citations", async (interaction) => {
    const { citationScore } = await import("./citation-score.js");
    return citationScore(interaction, minOverlap);
  });
}
