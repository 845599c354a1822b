import { createRoute, z } from "@hono/zod-openapi";
import { snakeKeys } from "@whetstone/core";
import { datasetStats } from "@whetstone/datasets";
import { fromRequest } from "../from-request.js";
import { answers, count, daysBack, problems } from "../schemas.js";
import { needs, type ServerApp, type ServerParts } from "../server-parts.js";

const statsBody = z
  .object({
    days_back: z.number().nullable().meta({ description: "null: all of them" }),
    total_interactions: count("in this time"),
    high_quality_count: count("with a score of at least 0.8"),
    error_count: count("that ended in an error"),
    unscored_count: count("without a score"),
    agent_counts: z.record(z.string(), z.number().int()),
    potential_datasets: z
      .object({ sft_samples: count("rows"), dpo_pairs: count("pairs"), grpo_groups: count("groups") })
      .catchall(z.number().int()),
    signal: z
      .object({
        prompts: count("prompts with a scored answer"),
        with_signal: count("prompts with answers of different scores"),
        share: z.number(),
      })
      .meta({ description: "what can be learnt from comparing answers" }),
    recommended: z.object({ method: z.string().nullable(), reason: z.string() }),
    recommendation: z.string().meta({ description: "what to do next" }),
  })
  .openapi("DatasetStats");

const route = createRoute({
  method: "get",
  path: "/api/v1/training/dataset/stats",
  operationId: "datasetStats",
  tags: ["Datasets"],
  summary: "How large a dataset of each kind would be",
  description: "One scan of the index, without reading a text: a build can turn out smaller.",
  ...needs("read"),
  request: {
    query: z.object({
      days_back: z
        .string()
        .regex(/^\d{1,5}(?:\.\d{1,6})?$/)
        .transform(Number)
        .pipe(daysBack)
        .optional()
        .openapi({ type: "number", description: "only the last so many days" }),
    }),
  },
  responses: { 200: answers("Counts, and what to do next.", statsBody), ...problems(400, 401, 403, 429, 503) },
});

export function datasetStatsRoute(app: ServerApp, { store, scans }: ServerParts): void {
  app.openapi(route, async (context) => {
    const { days_back } = context.req.valid("query");
    const free = scans.take();
    try {
      const stats = await fromRequest(() => datasetStats(store, { daysBack: days_back }));
      const answer = {
        days_back: days_back ?? null,
        total_interactions: stats.totalInteractions,
        high_quality_count: stats.highQualityCount,
        error_count: stats.errorCount,
        unscored_count: stats.unscoredCount,
        agent_counts: stats.agentCounts,
        potential_datasets: snakeKeys(stats.potentialDatasets) as z.infer<typeof statsBody>["potential_datasets"],
        signal: snakeKeys(stats.signal) as z.infer<typeof statsBody>["signal"],
        recommended: stats.recommended,
        recommendation: stats.recommendation,
      };
      return context.json(answer, 200);
    } finally {
      free();
    }
  });
}
