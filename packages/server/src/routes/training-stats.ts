import { createRoute, z } from "@hono/zod-openapi";
import { answers, calibrationFacts, count, problems } from "../schemas.js";
import { needs, type ServerApp, type ServerParts } from "../server-parts.js";
import { calibrationBodies, trainingStatsBody } from "../training-stats.js";

const rate = z.number().min(0).max(1);

const statsBody = z
  .object({
    total_interactions: count("all of them"),
    high_quality_count: count("with a score of at least 0.8"),
    error_count: count("that ended in an error"),
    unscored_count: count("without a score"),
    high_quality_rate: rate,
    error_rate: rate,
    agent_stats: z.record(
      z.string(),
      z.object({
        count: count("of this agent type"),
        high_quality_count: count("with a score of at least 0.8"),
        error_count: count("that ended in an error"),
        average_quality: rate.nullable().meta({ description: "null when none is scored" }),
      }),
    ),
    calibrations: z
      .array(calibrationFacts.extend({ source: z.string(), at: z.iso.datetime() }))
      .meta({ description: "how well each scorer agrees with people, where that was measured" }),
  })
  .openapi("TrainingStats");

const route = createRoute({
  method: "get",
  path: "/api/v1/training/stats",
  operationId: "trainingStats",
  tags: ["Interactions"],
  summary: "What is in the store, by agent",
  ...needs("read"),
  responses: { 200: answers("Counts and rates.", statsBody), ...problems(401, 403, 429, 503) },
});

export function trainingStatsRoute(app: ServerApp, { store }: ServerParts): void {
  app.openapi(route, async (context) => {
    const [stats, calibrations] = await Promise.all([store.stats(), store.calibrations()]);
    return context.json({ ...trainingStatsBody(stats), calibrations: [...calibrationBodies(calibrations)] }, 200);
  });
}
