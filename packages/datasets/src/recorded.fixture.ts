import { type Annotation, type Interaction, type InteractionStore, memoryStore } from "@whetstone/core";

/** The time of the first fixture. */
export const START = Date.UTC(2026, 0, 5, 12);

let made = 0;

/** An interaction as a store holds it; each one a second younger than the one before. */
export function interaction(fields: Partial<Interaction> & { readonly overall?: number } = {}): Interaction {
  const { overall, ...rest } = fields;
  made += 1;
  return {
    interactionId: `i-${String(made).padStart(6, "0")}`,
    timestamp: START + made * 1000,
    query: "What is 2 + 2?",
    answer: "4",
    agentType: "math",
    qualityScores: overall === undefined ? {} : { overall },
    latencyMs: 12,
    toolsUsed: [],
    errorOccurred: false,
    ...rest,
  };
}

/** A memory store that holds these. */
export async function storeOf(
  interactions: readonly Interaction[],
  annotations: readonly Annotation[] = [],
): Promise<InteractionStore> {
  const store = memoryStore();
  await store.append(interactions);
  await store.annotate(annotations);
  return store;
}

export async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

/** The reasons that removed something, with their counts. */
export function dropsOf({ drops }: { readonly drops: Readonly<Record<string, number>> }): Record<string, number> {
  return Object.fromEntries(Object.entries(drops).filter(([, count]) => count > 0));
}
