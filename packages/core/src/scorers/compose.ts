import { type StoredInteraction, sourceRank } from "../annotation.js";
import { ConfigError } from "../errors.js";
import { type Score, type Scorer, type ScoringEstimate, scorer } from "../scorer.js";

export interface ComposeOptions {
  readonly scorers: readonly Scorer[];
  /**
   * `first` (default): the first scorer that can say decides, and later ones are not asked. `mean` and `min` take the
   * mean or the lowest of what each score's namesakes say; scorers that cannot say are left out.
   */
  readonly policy?: "first" | "mean" | "min" | undefined;
  /** Default: the kind of the weakest part, and the parts' names: `judge:first(verifier:math, judge:…)`. */
  readonly source?: string | undefined;
}

/** Makes one scorer of several. It cannot say when none of them can. */
export function compose({ scorers, policy = "first", source }: ComposeOptions): Scorer {
  if (scorers.length === 0) throw new ConfigError("compose got no scorers: name at least one");
  if (policy !== "first" && policy !== "mean" && policy !== "min") {
    throw new ConfigError(`policy is "${policy}": use "first", "mean" or "min"`);
  }
  const composed = scorer(source ?? composedSource(scorers, policy), async (interaction, context) => {
    const scores: Score[] = [];
    for (const part of scorers) {
      const score = await part(interaction as StoredInteraction, context);
      if (score && policy === "first") return score;
      if (score) scores.push(score);
    }
    return scores.length === 0 ? null : combined(scores, policy === "min" ? lowest : mean);
  });
  const asked = scorers.flatMap(({ estimate }) => estimate ?? []);
  if (asked.length === 0) return composed;
  // Of a chain the first model decides at the latest; what stands in front of it may spare the call.
  const counted = policy === "first" ? asked.slice(0, 1) : asked;
  return Object.assign(composed, {
    estimate: async (interaction: StoredInteraction) =>
      sumOf(await Promise.all(counted.map((estimate) => estimate(interaction)))),
  });
}

function sumOf(estimates: readonly ScoringEstimate[]): ScoringEstimate {
  const sum = (amount: (estimate: ScoringEstimate) => number) =>
    estimates.reduce((total, estimate) => total + amount(estimate), 0);
  return {
    calls: sum(({ calls }) => calls),
    inputTokens: sum(({ inputTokens }) => inputTokens),
    outputTokens: sum(({ outputTokens }) => outputTokens),
    costUsd: estimates.some(({ costUsd }) => costUsd === null) ? null : sum(({ costUsd }) => costUsd ?? 0),
  };
}

/** A chain is as trustworthy as its weakest part. */
function composedSource(scorers: readonly Scorer[], policy: string): string {
  const sources = scorers.map((part) => part.source);
  const weakest = sources.reduce((weak, other) => (sourceRank(other) < sourceRank(weak) ? other : weak));
  const kind = weakest.slice(0, weakest.indexOf(":"));
  return `${kind}:${policy}(${sources.join(", ")})`.slice(0, kind.length + 201);
}

function combined(scores: readonly Score[], combine: (values: readonly number[]) => number): Score {
  const names = new Set(scores.flatMap((score) => Object.keys(score.scores)));
  const valuesOf = (name: string) => scores.flatMap((score) => score.scores[name] ?? []);
  const entries = [...names].map((name) => [name, combine(valuesOf(name))] as const);
  const rationales = scores.flatMap((score) => score.rationale ?? []);
  return {
    scores: { ...Object.fromEntries(entries), overall: combine(valuesOf("overall")) },
    ...(rationales.length > 0 ? { rationale: rationales.join("; ") } : {}),
  };
}

const lowest = (values: readonly number[]) => Math.min(...values);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
