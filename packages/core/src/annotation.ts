import * as z from "zod/mini";
import { INTERACTION_ID, type Interaction, usageSchema } from "./interaction.js";

const unit = /* @__PURE__ */ (() => z.number().check(z.minimum(0), z.maximum(1)))();

/** Who said it: `human:<who>`, `verifier:<name>`, `judge:<model>@<rubric>` or `heuristic:<name>`. */
export const SCORE_SOURCE = /^(human|verifier|judge|heuristic):.{1,200}$/;

const common = /* @__PURE__ */ (() => ({
  interactionId: z.string().check(z.regex(INTERACTION_ID)),
  source: z.string().check(z.regex(SCORE_SOURCE)),
  /** Epoch milliseconds. */
  at: z.int().check(z.minimum(0)),
}))();

const scoreAnnotation = /* @__PURE__ */ (() =>
  z.object({
    ...common,
    kind: z.literal("score"),
    /** Each in 0..1; `overall` decides. */
    scores: z.record(z.string(), unit).check(z.refine((scores) => "overall" in scores, "scores need an `overall`")),
    rationale: z.optional(z.string()),
    /** What the scorer's model calls for this score took. */
    usage: z.optional(usageSchema),
  }))();

/** A scorer tried and has no score to show for it. Nothing is decided by it: it is the reason that one can query. */
const unscoredAnnotation = /* @__PURE__ */ (() =>
  z.object({
    ...common,
    kind: z.literal("unscored"),
    /** The error's code, such as `SCORING_UNPARSABLE`. */
    code: z.string().check(z.regex(/^[A-Z_]{1,64}$/)),
    reason: z.string(),
    usage: z.optional(usageSchema),
  }))();

const feedbackAnnotation = /* @__PURE__ */ (() =>
  z.object({
    ...common,
    kind: z.literal("feedback"),
    feedback: z.discriminatedUnion("type", [
      z.object({ type: z.literal("boolean"), value: z.boolean() }),
      /** 0 worst, 1 best. */
      z.object({ type: z.literal("rating"), value: unit }),
      z.object({ type: z.literal("comment"), value: z.string() }),
      /** The corrected answer. */
      z.object({ type: z.literal("demonstration"), value: z.string() }),
    ]),
  }))();

/**
 * A fact that came after the record: a score, a person's feedback, or why a scorer could not give one. It never changes the record. The newest
 * annotation of one source and kind replaces that source's older one.
 */
export const annotationSchema = /* @__PURE__ */ (() =>
  z.readonly(z.discriminatedUnion("kind", [scoreAnnotation, feedbackAnnotation, unscoredAnnotation])))();

export type Annotation = z.infer<typeof annotationSchema>;
export type ScoreAnnotation = Readonly<z.infer<typeof scoreAnnotation>>;
export type FeedbackAnnotation = Readonly<z.infer<typeof feedbackAnnotation>>;
export type UnscoredAnnotation = Readonly<z.infer<typeof unscoredAnnotation>>;
/** What a person can say of an answer. */
export type Feedback = FeedbackAnnotation["feedback"];

/** An interaction as a store hands it out: the record, and what was said of it later. */
export type StoredInteraction = Interaction & { readonly annotations?: readonly Annotation[] };

/** The score that counts, and who gave it. */
export interface EffectiveScore {
  readonly overall: number;
  /** The annotation's source, or `logged` for scores that came with the record. */
  readonly source: string;
  readonly scores: Readonly<Record<string, number>>;
}

const RANKS: Record<string, number> = { human: 4, verifier: 3, judge: 2, logged: 1, heuristic: 0 };

/** How much a source's word weighs: human 4, verifier 3, judge 2, logged with the record 1, heuristic 0. */
export function sourceRank(source: string): number {
  const colon = source.indexOf(":");
  return RANKS[colon < 0 ? source : source.slice(0, colon)] ?? -1;
}

/** The score that decides: human over verifier over judge over logged over heuristic, then the newest. Null is unscored. */
export function effectiveScore({
  qualityScores,
  annotations,
}: Pick<StoredInteraction, "qualityScores" | "annotations">): EffectiveScore | null {
  const { overall } = qualityScores;
  let best: EffectiveScore | null = overall === undefined ? null : { overall, source: "logged", scores: qualityScores };
  let bestRank = RANKS.logged ?? 0;
  let bestAt = 0;
  for (const annotation of annotations ?? []) {
    const scores = scoresOf(annotation);
    if (!scores) continue;
    const rank = sourceRank(annotation.source);
    if (best && (rank < bestRank || (rank === bestRank && annotation.at < bestAt))) continue;
    best = { overall: scores.overall ?? 0, source: annotation.source, scores };
    bestRank = rank;
    bestAt = annotation.at;
  }
  return best;
}

/** The scores an annotation gives, or null when it gives none (a comment, a demonstration, a failed attempt). */
export function scoresOf(annotation: Annotation): Readonly<Record<string, number>> | null {
  if (annotation.kind === "score") return annotation.scores;
  if (annotation.kind === "unscored") return null;
  const { type, value } = annotation.feedback;
  if (type === "boolean") return { overall: value ? 1 : 0 };
  if (type === "rating") return { overall: value };
  return null;
}

/** Two annotations with an equal key say the same thing, and the newer one counts. */
export function annotationKey(annotation: Annotation): string {
  const kind = annotation.kind === "feedback" ? annotation.feedback.type : annotation.kind;
  return `${annotation.source}\n${kind}`;
}
