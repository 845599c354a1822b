import type { InteractionStore } from "@whetstone/core";
import type { DatasetBuild } from "./dataset-build.js";
import { type DpoRow, dpoLine } from "./dataset-rows.js";
import { buildPairs, type PairOptions } from "./preference-pairs.js";

export interface DpoOptions extends PairOptions {}

/**
 * Builds preference pairs out of different answers to the same prompt, in the order of each prompt's newest answer.
 * @throws ConfigError at once when an option is wrong
 */
export function buildDpoDataset(store: InteractionStore, options: DpoOptions = {}): DatasetBuild<DpoRow> {
  return buildPairs("dpo", dpoLine, store, options);
}
