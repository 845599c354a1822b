import { createRoute, z } from "@hono/zod-openapi";
import { answers, problems } from "../schemas.js";
import type { ServerApp, ServerParts } from "../server-parts.js";

const healthBody = z.object({ status: z.enum(["ok", "degraded", "down"]), reasons: z.array(z.string()) });

const route = createRoute({
  method: "get",
  path: "/health",
  operationId: "health",
  tags: ["Server"],
  summary: "Whether the store works",
  description: "For probes: answers without a token. `reasons` are told only to a token with the scope `read`.",
  security: [],
  responses: {
    200: answers("It works, perhaps with limits.", healthBody),
    503: answers("It does not.", healthBody),
    ...problems(401, 403, 429),
  },
});

export function healthRoute(app: ServerApp, { store }: ServerParts): void {
  app.openapi(route, async (context) => {
    const { status, reasons } = await store.health();
    // A reason may name a path or a host.
    const told = context.get("granted").has("read") ? [...reasons] : [];
    return context.json({ status, reasons: told }, status === "down" ? 503 : 200);
  });
}
