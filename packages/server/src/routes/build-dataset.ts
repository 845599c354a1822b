import { createRoute, z } from "@hono/zod-openapi";
import { datasetAnswer, saveTarget } from "../dataset-answer.js";
import { datasetKinds } from "../dataset-kinds.js";
import { ndjsonStream, progressStream } from "../dataset-streams.js";
import { fromRequest } from "../from-request.js";
import { jsonText } from "../json-text.js";
import { RequestProblem } from "../problem.js";
import { problemOf } from "../problem-of.js";
import { body, calibrationFacts, count, problems } from "../schemas.js";
import { needs, type ServerApp, type ServerParts } from "../server-parts.js";

const row = z.record(z.string(), z.unknown());

const answerBody = z
  .object({
    dataset: z.array(row).nullable().meta({ description: "null when there are more than 1,000 rows or 8 MiB of them" }),
    count: count("rows of the dataset"),
    saved_to: z.string().nullable().meta({ description: "the path in the data folder" }),
    metadata: z.object({
      kind: z.string(),
      options: z.record(z.string(), z.unknown()).meta({ description: "of the build, defaults filled in" }),
      considered: count("interactions that matched"),
      used: count("interactions that stand in a row"),
      unused: count("good interactions that no row needed"),
      prompts: count("distinct prompts; null where they are not grouped").nullable(),
      prompts_used: count("prompts that gave a row; null where they are not grouped").nullable(),
      drops: z.record(z.string(), z.number().int()).meta({ description: "what was left out, by reason" }),
      score_sources: z.record(z.string(), z.number().int()).meta({ description: "whose scores decided" }),
      calibrations: z.record(z.string(), calibrationFacts.nullable()).meta({
        description: "how well these sources agree with people; null for one that was never compared with them",
      }),
      top_contributors: z
        .array(z.object({ user_id: z.string(), interactions: z.number().int() }))
        .meta({ description: "users whose interactions stand in most rows, at most five, by pseudonym" }),
      files: z
        .record(z.string(), z.object({ rows: z.number().int(), bytes: z.number().int(), sha256: z.string() }))
        .nullable()
        .meta({ description: "the files saved" }),
    }),
  })
  .openapi("DatasetAnswer");

/** `POST /api/v1/training/dataset/<kind>` for each kind there is. */
export function buildDatasetRoutes(app: ServerApp, parts: ServerParts): void {
  for (const [path, kind] of Object.entries(datasetKinds)) {
    const route = createRoute({
      method: "post",
      path: `/api/v1/training/dataset/${path}`,
      operationId: `build${kind.name}Dataset`,
      tags: ["Datasets"],
      summary: kind.summary,
      description: HOW,
      ...needs("build", { body: true }),
      request: { body: body(kind.schema, { required: false }) },
      responses: {
        200: {
          description: "The dataset.",
          content: {
            "application/json": { schema: answerBody },
            "application/x-ndjson": { schema: z.string().meta({ description: "one row a line" }) },
            "text/event-stream": { schema: z.string().meta({ description: "progress, then done or problem" }) },
          },
        },
        ...problems(400, 401, 403, 409, 413, 415, 422, 429, 503),
      },
    });
    app.openapi(route, async (context) => {
      const given = context.req.valid("json");
      const target = saveTarget(given, parts.data);
      const form = wantedForm(context.req.header("accept") ?? "");
      if (form === "ndjson" && target) throw new RequestProblem(STREAMED_AND_SAVED);
      const { build } = await fromRequest(() => ({ build: kind.start(parts.store, given) }));

      const free = parts.builds.take();
      const leaving = new AbortController();
      const signal = AbortSignal.any([leaving.signal, context.req.raw.signal, parts.builds.stopping]);
      const breakOff = () => destroyed(context.env);
      const hooks = { signal, abort: () => leaving.abort(), onEnd: free, onError: parts.onError, breakOff };
      const answer = () => datasetAnswer(build, target, given, { data: parts.data, signal });
      if (form === "ndjson") return stream(ndjsonStream(build, hooks), "application/x-ndjson");
      if (form === "events") {
        const told = (error: unknown) => problemOf(error, parts.onError);
        return stream(progressStream(build, answer, { ...hooks, problemOf: told }), "text/event-stream");
      }
      try {
        return jsonText(await answer());
      } finally {
        free();
      }
    });
  }
}

const HOW =
  "With `Accept: application/x-ndjson` all rows are streamed, one a line, as fast as they are read. With `Accept: text/event-stream` the build tells of its progress. A client that leaves stops the build, and nothing half-written stays.";

function stream(rows: ReadableStream<Uint8Array>, type: string) {
  return new Response(rows, { headers: { "content-type": type, "x-accel-buffering": "no" } }) as ReturnType<
    typeof jsonText
  >;
}

/** Destroys Node's response, when there is one. */
function destroyed(env: unknown): boolean {
  const { outgoing } = (env ?? {}) as { outgoing?: { destroy(): unknown } };
  outgoing?.destroy();
  return outgoing !== undefined;
}

function wantedForm(accept: string): "json" | "ndjson" | "events" {
  if (/application\/x-ndjson/i.test(accept)) return "ndjson";
  return /text\/event-stream/i.test(accept) ? "events" : "json";
}

const STREAMED_AND_SAVED = {
  status: 400,
  code: "REQUEST_INVALID",
  detail: "A dataset is streamed or saved, not both: leave save_to_file out, or ask for application/json.",
} as const;
