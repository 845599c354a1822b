import { z } from "@hono/zod-openapi";

// Python clients send null for what they leave out.
export const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

export const agentType = z.string().min(1).max(128);

export const interactionId = z
  .string()
  .regex(/^[\w.:-]{1,128}$/)
  .meta({ description: "1 to 128 of A-Z a-z 0-9 _ . : -" });

export const share = z.number().min(0).max(1);

export const daysBack = z.number().positive().max(36_500).meta({ description: "only the last so many days" });

/** ISO 8601; without a zone it is UTC. Epoch milliseconds inside. */
export const pointInTime = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/)
  .transform((text, context) => {
    const zoned = /T.*(?:Z|[+-]\d{2}:?\d{2})$/.test(text) || !text.includes("T");
    const time = Date.parse(zoned ? text : `${text}Z`);
    if (!Number.isNaN(time)) return time;
    context.addIssue({ code: "custom", message: "this date does not exist" });
    return z.NEVER;
  })
  .meta({ description: "ISO 8601, such as 2026-01-31 or 2026-01-31T08:00:00Z; UTC where it names no zone" });

export const count = (description: string) => z.number().int().min(0).meta({ description });

/** How well a scorer agrees with people, as a dataset's books have it. */
export const calibrationFacts = z.object({
  kappa: z.number().nullable().meta({ description: "Cohen's: 0 is chance, 1 is full agreement" }),
  kappa_interval: z.tuple([z.number(), z.number()]).readonly().nullable().meta({ description: "of 95 %" }),
  agreement: share,
  labelled: count("what people labelled and the scorer was asked"),
  unparsable_rate: share,
  verdict: z.string().meta({ description: "what that means, in words" }),
});

const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string().meta({ description: "stable; docs/server.md says what each means" }),
    detail: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi("Problem", { description: "Problem details of RFC 9457." });

const WORDS = {
  400: "The request is wrong; `detail` and `errors` say where.",
  401: "The token is missing or wrong.",
  403: "The token lacks the scope, or the request comes from a host or page that is not allowed.",
  404: "There is no such thing.",
  409: "Something stands in the way of what was to be saved.",
  413: "The body is larger than 1 MiB.",
  415: "The body is not plain JSON.",
  422: "The request is right, but gives nothing to save.",
  429: "Too many wrong tokens, or too many builds at once; `Retry-After` says when to come again.",
  503: "The store does not answer.",
} as const;

/** The problems that a route can answer with, for the document. */
export function problems(...statuses: readonly (keyof typeof WORDS)[]) {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: WORDS[status], content: { "application/problem+json": { schema: problem } } },
    ]),
  );
}

/** An answer in JSON, for the document. */
export function answers<T extends z.ZodType>(description: string, schema: T) {
  return { description, content: { "application/json": { schema } } };
}

/** A body in JSON, for the document and to be checked. */
export function body<T extends z.ZodType>(schema: T, { required = true } = {}) {
  return { required, content: { "application/json": { schema } } };
}
