import { join } from "node:path";
import { fileStore, type Interaction } from "@whetstone/core";
import { interaction as anyInteraction } from "@whetstone/core/testing";
import { NOW } from "./run-in-process.js";

/** A whole interaction of the present moment; what is given replaces the plain values. */
export function interaction(given: Partial<Interaction>): Interaction {
  return anyInteraction({ timestamp: NOW, query: "What is 6 times 7?", answer: "42", ...given });
}

/** Fills the store at `.whetstone` in a folder. */
export async function recorded(cwd: string, ...interactions: readonly Interaction[]): Promise<void> {
  const store = fileStore(join(cwd, ".whetstone"));
  await store.append(interactions);
  await store.close();
}
