import { createRoute, z } from "@hono/zod-openapi";
import { cursorAfter, HIGH_QUALITY, interactionRow, type StoredInteraction } from "@whetstone/core";
import { fromRequest } from "../from-request.js";
import { interactionBody } from "../interaction-schema.js";
import { jsonText } from "../json-text.js";
import { agentType, answers, body, count, optional, pointInTime, problems, share } from "../schemas.js";
import { needs, type ServerApp, type ServerParts } from "../server-parts.js";

/** A page ends early rather than outgrow this; the cursor goes on. */
const MAX_PAGE_BYTES = 8 * 1024 * 1024;

const queryBody = z
  .strictObject({
    start_time: optional(pointInTime).meta({ description: "inclusive" }),
    end_time: optional(pointInTime).meta({ description: "exclusive" }),
    agent_type: optional(z.union([agentType, z.array(agentType).min(1).max(64)])),
    high_quality_only: optional(z.boolean()).meta({ description: "only those with a score of at least 0.8" }),
    min_quality: optional(share),
    errors: optional(z.enum(["include", "exclude", "only"])),
    order: optional(z.enum(["asc", "desc"])).meta({ description: "by time; newest first unless told otherwise" }),
    limit: optional(z.number().int().min(1).max(1000)).meta({ description: "at most so many, 100 unless told" }),
    cursor: optional(z.string().max(512)).meta({ description: "`next_cursor` of the answer before" }),
  })
  .openapi("InteractionQuery");

const route = createRoute({
  method: "post",
  path: "/api/v1/training/interactions/query",
  operationId: "queryInteractions",
  tags: ["Interactions"],
  summary: "Interactions that match",
  description: "A page holds at most `limit` interactions and 8 MiB; `next_cursor` leads to the next one.",
  ...needs("read", { body: true }),
  request: { body: body(queryBody, { required: false }) },
  responses: {
    200: answers(
      "A page of interactions.",
      z.object({
        interactions: z.array(interactionBody),
        count: count("interactions on this page"),
        next_cursor: z.string().nullable().meta({ description: "null on the last page" }),
      }),
    ),
    ...problems(400, 401, 403, 413, 415, 429, 503),
  },
});

export function queryInteractionsRoute(app: ServerApp, { store }: ServerParts): void {
  app.openapi(route, async (context) => {
    const given = context.req.valid("json");
    const limit = given.limit ?? 100;
    const quality = given.high_quality_only ? HIGH_QUALITY : 0;
    const wanted = Math.max(quality, given.min_quality ?? 0);
    const { rows, next } = await fromRequest(() => {
      const found = store.query({
        startTime: given.start_time,
        endTime: given.end_time,
        agentTypes: typeof given.agent_type === "string" ? [given.agent_type] : given.agent_type,
        minQuality: given.high_quality_only || given.min_quality !== undefined ? wanted : undefined,
        errors: given.errors,
        order: given.order ?? "desc",
        // One more than the page shows tells whether there is more.
        limit: limit + 1,
        cursor: given.cursor,
        signal: context.req.raw.signal,
      });
      return page(found, limit);
    });
    return jsonText(
      `{"interactions":[${rows.join(",")}],"count":${rows.length},"next_cursor":${JSON.stringify(next)}}`,
    );
  });
}

async function page(found: AsyncIterable<readonly StoredInteraction[]>, limit: number) {
  const rows: string[] = [];
  let [bytes, last] = [0, null as StoredInteraction | null];
  for await (const batch of found) {
    for (const interaction of batch) {
      if (last && (rows.length === limit || bytes > MAX_PAGE_BYTES)) return { rows, next: cursorAfter(last) };
      const row = JSON.stringify(interactionRow(interaction));
      bytes += row.length;
      rows.push(row);
      last = interaction;
    }
  }
  return { rows, next: null };
}
