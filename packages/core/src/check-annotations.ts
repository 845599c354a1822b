import { inspect } from "node:util";
import { type Annotation, annotationSchema } from "./annotation.js";
import { ConfigError } from "./errors.js";

/** What a store checks before it takes annotations. @throws ConfigError naming the first that is none, and what to change */
export function checkAnnotations(annotations: readonly Annotation[]): void {
  for (const [place, annotation] of annotations.entries()) {
    const [issue] = annotationSchema.safeParse(annotation).error?.issues ?? [];
    if (!issue) continue;
    const [field = "", ...inner] = issue.path.map(String);
    const name = [`annotations[${place}]`, field, ...inner].filter(Boolean).join(".");
    const remedy = REMEDIES[field] ?? "use an object as `annotationSchema` describes it";
    throw new ConfigError(`${name} is not valid in ${shown(annotation)}: ${remedy}`);
  }
}

const REMEDIES: Record<string, string> = {
  interactionId: "use the id that `log` gave",
  source: 'use "human:<who>", "verifier:<name>", "judge:<model>@<rubric>" or "heuristic:<name>"',
  at: "use whole epoch milliseconds",
  kind: 'use "score", "feedback" or "unscored"',
  scores: "use numbers from 0 to 1, `overall` among them",
  feedback: 'use a `value` that fits its `type`: "boolean", "rating" (0 to 1), "comment" or "demonstration"',
  code: "use an error code such as SCORING_UNPARSABLE",
  reason: "use a text",
  rationale: "use a text, or leave it out",
  usage: "use the token counts of the scorer's model, or leave it out",
};

const shown = (value: unknown): string => inspect(value, { breakLength: Infinity, depth: 2, maxStringLength: 100 });
