import type { Interaction } from "../interaction.js";
import { newInteractionId } from "../interaction-id.js";

/** A whole interaction for tests; what is given replaces the plain values. */
export function interaction(given: Partial<Interaction> = {}): Interaction {
  const timestamp = given.timestamp ?? Date.now();
  return {
    interactionId: newInteractionId(timestamp),
    timestamp,
    query: "What is 6 * 20?",
    answer: "120",
    agentType: "math",
    qualityScores: {},
    latencyMs: 12,
    toolsUsed: [],
    errorOccurred: false,
    ...given,
  };
}
