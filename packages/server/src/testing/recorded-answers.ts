import type { Interaction, InteractionStore } from "@whetstone/core";

let next = 0;

/** A recorded interaction; each a second after the one before, the last one a minute ago. */
export function interaction(fields: Partial<Interaction> = {}): Interaction {
  next += 1;
  return {
    interactionId: `test-${next}`,
    timestamp: Date.now() - 3_600_000 + next,
    query: `What is ${next} times 7?`,
    answer: `${next * 7}`,
    agentType: "math",
    qualityScores: {},
    latencyMs: 12,
    toolsUsed: [],
    errorOccurred: false,
    ...fields,
  };
}

/** Stores `prompts` questions with `answers` answers each, scored from 0 to 1; `text` makes the questions longer. */
export async function recordAnswers(
  store: InteractionStore,
  { prompts = 3, answers = 4, text = "" } = {},
): Promise<void> {
  for (let prompt = 0; prompt < prompts; prompt += 1) {
    await store.append(
      Array.from({ length: answers }, (_, i) =>
        interaction({
          query: `Question number ${prompt}?${text}`,
          answer: `Answer ${i} to question ${prompt}`,
          qualityScores: { overall: answers === 1 ? 1 : i / (answers - 1) },
        }),
      ),
    );
  }
}
