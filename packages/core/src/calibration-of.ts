import type { Calibration, CalibrationOptions, JudgedLabel } from "./calibration.js";

/**
 * Compares what a scorer said with what people said, where both are known already. Labels without a majority are left
 * out. @throws ConfigError when nothing can be compared
 */
export async function calibrationOf(
  source: string,
  judged: Iterable<JudgedLabel>,
  options: CalibrationOptions = {},
): Promise<Calibration> {
  const { calibrationFigures } = await import("./calibration-figures.js");
  return calibrationFigures(source, judged, options);
}
