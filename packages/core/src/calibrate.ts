import { effectiveScore } from "./annotation.js";
import type { Calibration } from "./calibration.js";
import type { CalibrateOptions, Labelled, LabelledAnswer, LabelledPair } from "./calibration-run.js";
import type { Scorer } from "./scorer.js";
import type { PairwiseJudge } from "./scorers/pairwise-judge.js";
import type { InteractionFilter, InteractionStore } from "./store.js";

/**
 * Asks a scorer, or a pairwise judge, about what people have labelled, and says how well it agrees with them. What it
 * cannot say is left out; a reply that cannot be read counts as unparsable. It never sees the label.
 * @throws ConfigError when nothing can be compared, and the scorer's own error when every call fails
 */
export async function calibrate(
  scorer: Scorer,
  labelled: Iterable<LabelledAnswer> | AsyncIterable<LabelledAnswer>,
  options?: CalibrateOptions,
): Promise<Calibration>;
export async function calibrate(
  judge: PairwiseJudge,
  labelled: Iterable<LabelledPair> | AsyncIterable<LabelledPair>,
  options?: CalibrateOptions,
): Promise<Calibration>;
export async function calibrate(
  scorer: Scorer | PairwiseJudge,
  labelled: Labelled,
  options: CalibrateOptions = {},
): Promise<Calibration> {
  const { calibrationRun } = await import("./calibration-run.js");
  return calibrationRun(scorer, labelled, options);
}

/** Compares the scores that a source has left in a store with people's there; nothing is asked again. */
export async function calibrateStored(
  store: InteractionStore,
  source: string,
  { filter, ...options }: CalibrateOptions & { readonly filter?: InteractionFilter | undefined } = {},
): Promise<Calibration> {
  const { storedCalibration } = await import("./calibration-run.js");
  return storedCalibration(labelledByPeople(store, filter), source, options);
}

/** The interactions of a store that people have given a score: what `calibrate` compares a scorer with. */
export async function* labelledByPeople(
  store: InteractionStore,
  filter: InteractionFilter = {},
): AsyncGenerator<LabelledAnswer> {
  for await (const batch of store.query({ ...filter, scored: true })) {
    for (const interaction of batch) {
      const score = effectiveScore(interaction);
      if (score?.source.startsWith("human:")) yield { interaction, label: score.overall };
    }
  }
}
