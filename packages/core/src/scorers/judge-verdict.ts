import * as z from "zod/mini";
import { ScoringError } from "../errors.js";
import type { Score } from "../scorer.js";
import { overallOf, type Rubric } from "./rubrics.js";

/**
 * Reads a judge's reply: exactly one JSON object with exactly these fields beside a rationale and the nonce of this call.
 * Nothing is searched for in prose, since a judge may quote a verdict that an answer made up.
 * @throws ScoringError SCORING_UNPARSABLE for anything else
 */
export function readVerdict<Shape extends z.core.$ZodShape>(
  reply: string,
  fields: Shape,
  nonce: string,
): z.infer<z.ZodMiniObject<Shape>> & { readonly rationale: string } {
  const text = onlyObject(reply);
  let verdict: unknown;
  try {
    verdict = JSON.parse(text);
  } catch (cause) {
    throw unparsable("it is not one JSON object", reply, cause);
  }
  const expected = ["nonce", "rationale", ...Object.keys(fields)];
  const keys = typeof verdict === "object" && verdict !== null ? Object.keys(verdict) : [];
  if (keys.length !== expected.length || !expected.every((key) => keys.includes(key))) {
    throw unparsable(`its keys are not exactly ${expected.join(", ")}`, reply);
  }
  if (countKeys(text) !== keys.length) throw unparsable("a key stands in it twice", reply);
  const envelope = z.object({ nonce: z.string(), rationale: z.string() }).safeParse(verdict);
  const values = z.object(fields).safeParse(verdict);
  if (!envelope.success || !values.success) {
    const issues = [...(envelope.error?.issues ?? []), ...(values.error?.issues ?? [])];
    throw unparsable(`the value of ${issues.map(({ path }) => path.join(".")).join(", ")} is not as asked`, reply);
  }
  if (envelope.data.nonce !== nonce) throw unparsable("it does not carry this call's nonce", reply);
  return { ...values.data, rationale: envelope.data.rationale.slice(0, MAX_RATIONALE).toWellFormed() };
}

/** Reads the grades of a rubric. @throws ScoringError SCORING_UNPARSABLE, as `readVerdict` does */
export function parseVerdict(reply: string, rubric: Rubric, nonce: string): Score {
  const criteria = rubric.criteria.map(({ id }) => id);
  const unit = z.number().check(z.minimum(0), z.maximum(1));
  const verdict = readVerdict(reply, Object.fromEntries(criteria.map((id) => [id, unit])), nonce);
  const scores = Object.fromEntries(criteria.map((id) => [id, verdict[id] ?? 0]));
  return { scores: { ...scores, overall: overallOf(rubric, scores) }, rationale: verdict.rationale };
}

/** The shape as JSON Schema, for endpoints with structured output. Constant per rubric, so that they can cache it. */
export function rubricSchema({ criteria }: Rubric): Record<string, unknown> {
  return verdictSchema(
    Object.fromEntries(criteria.map(({ id }) => [id, { type: "number", description: "From 0 to 1." }])),
  );
}

/** The JSON Schema of a verdict with these fields. The rationale comes first: a model reasons by writing. */
export function verdictSchema(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const properties = {
    nonce: { type: "string", description: "Copied from the instructions." },
    rationale: { type: "string", description: "One or two sentences." },
    ...fields,
  };
  return { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
}

/** A reply that is no verdict. What it said is kept as the cause, shortened. */
export function unparsable(why: string, reply: string, cause?: unknown): ScoringError {
  const said = new Error(`the judge replied: ${reply.slice(0, 500)}`, cause === undefined ? undefined : { cause });
  return new ScoringError(
    "SCORING_UNPARSABLE",
    `the judge's reply is no verdict: ${why}. The interaction stays unscored; score it again, or use a model that follows the format`,
    { cause: said },
  );
}

const MAX_RATIONALE = 2000;

/** Takes off what models put around their whole reply: thinking in front, and one Markdown fence. */
function onlyObject(reply: string): string {
  let text = reply.trim();
  if (text.startsWith("<think>")) {
    const end = text.indexOf("</think>");
    if (end >= 0) text = text.slice(end + "</think>".length).trim();
  }
  const fence = /^```(?:json)?\n/i.exec(text);
  if (fence && text.endsWith("```")) text = text.slice(fence[0].length, -3).trim();
  return text;
}

/** Keys of a flat object's text. JSON.parse keeps the last of two equal keys and says nothing. */
function countKeys(text: string): number {
  let count = 0;
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/gs)) if (match[1] !== undefined) count += 1;
  return count;
}
