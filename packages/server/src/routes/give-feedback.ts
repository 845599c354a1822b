import { createRoute, z } from "@hono/zod-openapi";
import type { Annotation } from "@whetstone/core";
import { RequestProblem } from "../problem.js";
import { answers, body, interactionId, optional, problems, share } from "../schemas.js";
import { needs, type ServerApp, type ServerParts } from "../server-parts.js";

const source = optional(z.string().regex(/^human:[\w.@ -]{1,100}$/)).meta({
  description: "who said it, `human:<who>`; `human:user` unless told. The newest word of one source counts",
});
const text = z.string().min(1).max(262_144);

const feedbackBody = z
  .discriminatedUnion("type", [
    z.strictObject({ type: z.literal("boolean"), value: z.boolean(), source }),
    z.strictObject({ type: z.literal("rating"), value: share, source }),
    z.strictObject({ type: z.literal("comment"), value: text, source }),
    z.strictObject({ type: z.literal("demonstration"), value: text, source }),
  ])
  .openapi("Feedback", { description: "A thumb, a rating from 0 to 1, a comment, or the corrected answer." });

const route = createRoute({
  method: "post",
  path: "/api/v1/training/interactions/{interaction_id}/feedback",
  operationId: "giveFeedback",
  tags: ["Interactions"],
  summary: "Say what a person thinks of an answer",
  ...needs("log", { body: true }),
  request: { params: z.object({ interaction_id: interactionId }), body: body(feedbackBody) },
  responses: {
    201: answers("It is stored.", z.object({ interaction_id: interactionId, status: z.literal("stored") })),
    ...problems(400, 401, 403, 404, 413, 415, 429, 503),
  },
});

export function giveFeedbackRoute(app: ServerApp, { store, redact }: ServerParts): void {
  app.openapi(route, async (context) => {
    const { interaction_id } = context.req.valid("param");
    const { source: said = "human:user", ...feedback } = context.req.valid("json");
    const annotation: Annotation = {
      interactionId: interaction_id,
      kind: "feedback",
      source: said,
      at: Date.now(),
      feedback,
    };
    const [status] = await store.annotate([redact ? redact.annotation(annotation) : annotation]);
    if (status === "notFound") throw new RequestProblem(NOT_FOUND);
    return context.json({ interaction_id, status: "stored" as const }, 201);
  });
}

const NOT_FOUND = {
  status: 404,
  code: "INTERACTION_NOT_FOUND",
  detail: "No interaction has this id: log it first, or look it up with POST /api/v1/training/interactions/query.",
} as const;
