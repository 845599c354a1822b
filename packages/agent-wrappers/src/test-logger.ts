import { createInteractionLogger, type InteractionLogger, memoryStore, type StoredInteraction } from "@whetstone/core";

/** A real logger on a store in memory, and what it has stored so far. */
export function testLogger(): { logger: InteractionLogger; records(): Promise<StoredInteraction[]> } {
  const store = memoryStore();
  const logger = createInteractionLogger({ store });
  return {
    logger,
    async records() {
      await logger.flush();
      const found: StoredInteraction[] = [];
      for await (const batch of store.query()) found.push(...batch);
      return found;
    },
  };
}

/** Everything that is there to iterate. */
export async function collect<T>(chunks: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

/** Question, answer and how it ended, a row for each record. */
export function endings(records: readonly StoredInteraction[]): string[][] {
  return records.map(({ query, answer, errorMessage, metadata }) => [
    query,
    answer,
    errorMessage ?? (metadata?.cancelled ? "cancelled" : ""),
  ]);
}
