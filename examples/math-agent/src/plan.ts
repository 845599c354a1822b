/** One thing to work out. The expression may use the result of the n-th step as `#n`, counted from 1. */
export interface Step {
  readonly what: string;
  readonly expression: string;
}

/** How a problem is solved: the last step gives the answer. */
export interface Plan {
  readonly steps: readonly Step[];
  /** `$`, `%`, a word such as `km`, or nothing. */
  readonly unit: string;
  /** An equation that the answer `x` must fulfil. Without one the steps are worked out again in one go. */
  readonly check?: string;
}

/** Makes a plan for the problems it understands, and null for all others. */
export type Skill = (question: string) => Plan | null;

/** A plan of one step after another: `plan("km", ["Distance", "60 * 2"], …)`. */
export function plan(unit: string, ...steps: readonly (readonly [what: string, expression: string])[]): Plan {
  return { unit, steps: steps.map(([what, expression]) => ({ what, expression })) };
}

/** Puts values in the place of `#1`, `#2`, …: in brackets where a bare value would read wrong. */
export function fillIn(expression: string, values: readonly string[]): string {
  return expression.replace(
    /(^|\()?#(\d+)($|\))?/g,
    (_, before: string | undefined, place: string, after: string | undefined) => {
      const value = values[Number(place) - 1] ?? "";
      const stands = /^\d+(\.\d+)?$/.test(value) || (before !== undefined && after !== undefined);
      return `${before ?? ""}${stands ? value : `(${value})`}${after ?? ""}`;
    },
  );
}

/** The whole plan as one expression. */
export function inOneGo(plan: Plan): string {
  const expressions: string[] = [];
  for (const step of plan.steps) expressions.push(fillIn(step.expression, expressions));
  return expressions.at(-1) ?? "";
}
