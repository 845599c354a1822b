import { createRoute, z } from "@hono/zod-openapi";
import { type InteractionInput, interactionFields, prepareInteraction } from "@whetstone/core";
import { interactionInput } from "../interaction-schema.js";
import { RequestProblem } from "../problem.js";
import { answers, body, interactionId, problems } from "../schemas.js";
import { needs, type ServerApp, type ServerParts } from "../server-parts.js";

const logged = z.object({
  interaction_id: interactionId,
  status: z
    .enum(["stored", "duplicate"])
    .meta({ description: "`duplicate`: the id was known, and the first record stays" }),
  flags: z.array(z.string()).meta({ description: "what was cut, mended or redacted" }),
});

const route = createRoute({
  method: "post",
  path: "/api/v1/training/interactions",
  operationId: "logInteraction",
  tags: ["Interactions"],
  summary: "Log an interaction",
  description:
    "For agents in other languages. Secrets and personal data are taken out before it is stored. With an `interaction_id` of your own a request may be sent again.",
  ...needs("log", { body: true }),
  request: { body: body(interactionInput) },
  responses: {
    200: answers("It was there already.", logged),
    201: answers("It is stored.", logged),
    ...problems(400, 401, 403, 413, 415, 429, 503),
  },
});

export function logInteractionRoute(app: ServerApp, { store, redact }: ServerParts): void {
  app.openapi(route, async (context) => {
    const fields = interactionFields(context.req.valid("json"));
    const { timestamp } = fields;
    const prepared = prepareInteraction({
      ...fields,
      ...(typeof timestamp === "string" && { timestamp: Date.parse(timestamp) }),
    } as unknown as InteractionInput);
    if ("reason" in prepared)
      throw new RequestProblem({ status: 400, code: "REQUEST_INVALID", detail: prepared.reason });
    const interaction = redact ? redact.interaction(prepared.interaction) : prepared.interaction;
    const [status = "stored"] = await store.append([interaction]);
    const answer = { interaction_id: interaction.interactionId, status, flags: [...(interaction.flags ?? [])] };
    return context.json(answer, status === "stored" ? 201 : 200);
  });
}
