import { join } from "node:path";
import { fileStore, type Interaction } from "@whetstone/core";
import { NOW } from "./run-in-process.js";

/** A whole interaction out of the fields a test cares about. */
export function interaction(fields: Partial<Interaction> & Pick<Interaction, "interactionId">): Interaction {
  return {
    timestamp: NOW,
    query: "What is 6 times 7?",
    answer: "42",
    agentType: "math",
    qualityScores: {},
    latencyMs: 12,
    toolsUsed: [],
    errorOccurred: false,
    ...fields,
  };
}

/** Fills the store at `.whetstone` in a folder. */
export async function recorded(cwd: string, ...interactions: readonly Interaction[]): Promise<void> {
  const store = fileStore(join(cwd, ".whetstone"));
  await store.append(interactions);
  await store.close();
}
