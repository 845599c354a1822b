import { createRoute, z } from "@hono/zod-openapi";
import { RequestProblem } from "../problem.js";
import { answers, body, count, problems } from "../schemas.js";
import { needs, type ServerApp, type ServerParts } from "../server-parts.js";

const DAY_MS = 86_400_000;
const days = z.number().int().min(0).max(36_500);

const route = createRoute({
  method: "delete",
  path: "/api/v1/training/interactions/cleanup",
  operationId: "cleanUp",
  tags: ["Interactions"],
  summary: "Remove old interactions",
  description:
    "Removes the interactions of the UTC days that ended more than `days_to_keep` days ago. The number stands in the query or in the body, and has no default.",
  ...needs("delete", { body: true }),
  request: {
    query: z.object({
      days_to_keep: z
        .string()
        .regex(/^\d{1,5}$/)
        .transform(Number)
        .pipe(days)
        .optional()
        .openapi({ type: "integer", minimum: 0, maximum: 36_500 }),
    }),
    body: body(z.strictObject({ days_to_keep: days.optional() }).openapi("CleanUp"), { required: false }),
  },
  responses: {
    200: answers(
      "It is done.",
      z.object({ removed_count: count("interactions removed"), days_kept: days, message: z.string() }),
    ),
    ...problems(400, 401, 403, 413, 415, 429, 503),
  },
});

export function cleanUpRoute(app: ServerApp, { store }: ServerParts): void {
  app.openapi(route, async (context) => {
    const inQuery = context.req.valid("query").days_to_keep;
    const inBody = context.req.valid("json").days_to_keep;
    const kept = inQuery ?? inBody;
    if (kept === undefined || (inQuery !== undefined && inBody !== undefined && inQuery !== inBody)) {
      throw new RequestProblem(UNCLEAR);
    }
    const cutoff = Math.max(0, Date.now() - kept * DAY_MS);
    const { removed } = await store.deleteBefore(cutoff);
    const day = new Date(cutoff).toISOString().slice(0, 10);
    const what = removed === 1 ? "1 interaction" : `${removed} interactions`;
    return context.json(
      { removed_count: removed, days_kept: kept, message: `removed ${what} from before ${day}` },
      200,
    );
  });
}

const UNCLEAR = {
  status: 400,
  code: "REQUEST_INVALID",
  detail: "Say once how many days stay, in the query (?days_to_keep=90) or in the body.",
} as const;
