import { createInteractionLogger, effectiveScore, mathVerifier, openStore, scoreInteractions } from "@whetstone/core";
import type { Lesson, Sum } from "./sums.js";
import { type ModelAddress, sumsAgent } from "./sums-agent.js";

interface AskAllOptions {
  readonly folder: string;
  readonly temperature: number;
  readonly examples: readonly Lesson[];
  /** Calls under way at the same time; the server answers them in one batch. */
  readonly atOnce: number;
  readonly attempts?: number;
}

/**
 * Lets users ask an agent every sum, so many times, and checks what it said. The calls are recorded in the store in
 * `folder`; what comes back is whether the last answer to each sum was right.
 */
export async function askAll(
  sums: readonly Sum[],
  model: ModelAddress,
  { folder, temperature, examples, atOnce, attempts = 1 }: AskAllOptions,
): Promise<readonly boolean[]> {
  const store = openStore(`file:${folder}`);
  try {
    const logger = createInteractionLogger({ store });
    const ask = sumsAgent(model, { logger, temperature, examples });
    const calls = Array.from({ length: attempts }, () => sums)
      .flat()
      .values();
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (const sum of calls) await ask(sum);
      }),
    );
    const { dropped, pending } = await logger.close();
    if (dropped + pending > 0) throw new Error(`${dropped + pending} calls were not recorded`);
    await scoreInteractions(store, mathVerifier());

    const right = new Map<string, boolean>();
    for await (const batch of store.query()) {
      for (const one of batch) right.set(one.query, effectiveScore(one)?.overall === 1);
    }
    return sums.map(({ question }) => right.get(question) === true);
  } finally {
    await store.close();
  }
}
