import { sourceRank } from "./annotation.js";
import type { Calibration } from "./calibration.js";
import { ConfigError } from "./errors.js";

/**
 * Says which sources' scores a build may use: people's and verifiers' always, and others' (`judge:…`, `heuristic:…`,
 * `logged`) when labels show that their kappa is at least `least`: the lower end of its interval is.
 * @throws ConfigError unless `least` is a number from 0 to 1
 */
export function calibratedSources(calibrations: readonly Calibration[], least: number): (source: string) => boolean {
  if (typeof least !== "number" || !(least >= 0 && least <= 1)) {
    throw new ConfigError(`requireCalibration is ${least}: use a kappa from 0 to 1, such as 0.4`);
  }
  const good = new Set<string>();
  for (const { source, kappaInterval } of calibrations) {
    if (kappaInterval && kappaInterval[0] >= least) good.add(source);
  }
  return (source) => sourceRank(source) > sourceRank("judge:") || good.has(source);
}

/** The calibrations of the named sources as a manifest holds them; null for a source that was never calibrated. */
export function calibrationFacts(
  calibrations: readonly Calibration[],
  sources: Iterable<string>,
): Readonly<Record<string, CalibrationFacts | null>> {
  const known = new Map(calibrations.map((calibration) => [calibration.source, calibration]));
  return Object.fromEntries([...sources].map((source) => [source, factsOf(known.get(source))]));
}

/** What a reader of a dataset needs to know of a scorer. */
export interface CalibrationFacts {
  readonly kappa: number | null;
  readonly kappa_interval: readonly [number, number] | null;
  readonly agreement: number;
  readonly labelled: number;
  readonly unparsable_rate: number;
  readonly verdict: string;
}

function factsOf(calibration: Calibration | undefined): CalibrationFacts | null {
  if (!calibration) return null;
  const { kappa, kappaInterval, agreement, labelled, unparsableRate, verdict } = calibration;
  return { kappa, kappa_interval: kappaInterval, agreement, labelled, unparsable_rate: unparsableRate, verdict };
}
