import type { InteractionStore } from "@whetstone/core";
import type { DatasetBuild } from "./dataset-build.js";
import { type RewardRow, rewardLine } from "./dataset-rows.js";
import { buildPairs, type PairOptions } from "./preference-pairs.js";

/** Pairs are made as for `buildDpoDataset`. */
export interface RewardOptions extends PairOptions {}

/**
 * Builds the pairs of `buildDpoDataset` with a `margin`, the gap of their scores, for training a reward model.
 * @throws ConfigError at once when an option is wrong
 */
export function buildRewardDataset(store: InteractionStore, options: RewardOptions = {}): DatasetBuild<RewardRow> {
  return buildPairs("reward", rewardLine, store, options);
}
