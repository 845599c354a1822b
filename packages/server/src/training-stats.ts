import { type Calibration, type CalibrationFacts, calibrationFacts, type StoreStats } from "@whetstone/core";

/** What `GET /api/v1/training/stats` and `whetstone stats --json` say of the interactions. */
export interface TrainingStatsBody {
  readonly total_interactions: number;
  readonly high_quality_count: number;
  readonly error_count: number;
  readonly unscored_count: number;
  readonly high_quality_rate: number;
  readonly error_rate: number;
  readonly agent_stats: Readonly<
    Record<
      string,
      {
        readonly count: number;
        readonly high_quality_count: number;
        readonly error_count: number;
        /** Null when none is scored. */
        readonly average_quality: number | null;
      }
    >
  >;
}

/** A store's statistics under the names that HTTP and Python readers use. Agent types stay as they were recorded. */
export function trainingStatsBody(stats: StoreStats): TrainingStatsBody {
  return {
    total_interactions: stats.totalInteractions,
    high_quality_count: stats.highQualityCount,
    error_count: stats.errorCount,
    unscored_count: stats.unscoredCount,
    high_quality_rate: stats.highQualityRate,
    error_rate: stats.errorRate,
    agent_stats: Object.fromEntries(
      Object.entries(stats.agentStats).map(([agentType, agent]) => [
        agentType,
        {
          count: agent.count,
          high_quality_count: agent.highQualityCount,
          error_count: agent.errorCount,
          average_quality: agent.averageQuality,
        },
      ]),
    ),
  };
}

/** What `GET /api/v1/training/stats` says of each scorer that was compared with people. */
export interface CalibrationBody extends CalibrationFacts {
  readonly source: string;
  readonly at: string;
}

/** Calibrations under the names that HTTP readers use, with times as ISO 8601. */
export function calibrationBodies(calibrations: readonly Calibration[]): readonly CalibrationBody[] {
  const facts = calibrationFacts(
    calibrations,
    calibrations.map(({ source }) => source),
  );
  return calibrations.flatMap(({ source, at }) => {
    const told = facts[source];
    return told ? [{ source, at: new Date(at).toISOString(), ...told }] : [];
  });
}
