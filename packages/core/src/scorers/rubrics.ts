import { createHash } from "node:crypto";
import * as z from "zod/mini";
import { ConfigError } from "../errors.js";

/** What a judge looks at. A rubric is plain data: write your own, and give it a new id when you change it. */
export interface Rubric {
  /** Part of the score's source, `judge:<model>@<id>`. */
  readonly id: string;
  /** What the agent was asked to do, in a sentence to the judge. */
  readonly task: string;
  readonly criteria: readonly Criterion[];
}

export interface Criterion {
  /** The score's name: lower-case letters, digits and `_`. */
  readonly id: string;
  /** What deserves 1 and what deserves 0, in words to the judge. */
  readonly description: string;
  /** Share in the overall score, relative to the others. Default 1. */
  readonly weight?: number | undefined;
  /** The overall score is never above this criterion's: a wrong answer does not become good by being clear. */
  readonly decisive?: boolean | undefined;
}

const completeness: Criterion = {
  id: "completeness",
  description: "1: every part of the question is answered. 0: the question is not addressed.",
};

const clarity: Criterion = {
  id: "clarity",
  description: "1: easy to follow, nothing superfluous. 0: confused, padded or unreadable.",
};

/** The rubrics by agent type; `general` serves every other type. */
export const rubrics = {
  math: {
    id: "math-v1",
    task: "The agent solved a mathematical task.",
    criteria: [
      {
        id: "correctness",
        description:
          "1: the final result is right and every step to it holds. 0.5: the result is right, a step is wrong or missing. 0: the result is wrong. Work the task out yourself before you look at the result.",
        weight: 3,
        decisive: true,
      },
      completeness,
      clarity,
    ],
  },
  code: {
    id: "code-v1",
    task: "The agent wrote or explained code.",
    criteria: [
      {
        id: "correctness",
        description: "1: the code does what was asked, edge cases included. 0: it does something else.",
        weight: 3,
        decisive: true,
      },
      {
        id: "runnability",
        description: "1: it runs as it stands, imports and names included. 0: it cannot run.",
        weight: 2,
      },
      completeness,
      clarity,
    ],
  },
  rag: {
    id: "rag-v1",
    task: "The agent answered from the retrieved sources below.",
    criteria: [
      {
        id: "correctness",
        description: "1: the answer is right for the question. 0: it is wrong.",
        weight: 2,
        decisive: true,
      },
      {
        id: "groundedness",
        description: "1: every claim is supported by the sources. 0: the claims are not in the sources.",
        weight: 2,
        decisive: true,
      },
      {
        id: "citation_quality",
        description: "1: the claims name the sources that support them. 0: no citations, or wrong ones.",
      },
      completeness,
      clarity,
    ],
  },
  general: {
    id: "general-v1",
    task: "The agent answered a question or carried out a task.",
    criteria: [
      {
        id: "correctness",
        description: "1: everything stated is true and follows the instructions. 0: it is wrong or ignores them.",
        weight: 2,
        decisive: true,
      },
      {
        id: "helpfulness",
        description: "1: the person has what they needed. 0: it is of no use to them.",
      },
      completeness,
      clarity,
    ],
  },
} as const satisfies Readonly<Record<string, Rubric>>;

/** Which rubric a judge goes by: one for everything, or one by agent type. */
export interface RubricOptions {
  /** For every interaction, whatever its agent type. */
  readonly rubric?: Rubric | undefined;
  /** By agent type, beside the shipped ones and in their place. */
  readonly rubrics?: Readonly<Record<string, Rubric>> | undefined;
}

/** The rubrics of a judge. */
export interface RubricChoice {
  readonly id: string;
  of(interaction: { readonly agentType: string }): Rubric;
}

/** The rubrics of a judge, and the name under which it speaks. @throws ConfigError for a rubric that is none */
export function rubricChoice({ rubric, rubrics: own = {} }: RubricOptions): RubricChoice {
  for (const each of rubric ? [rubric] : Object.values(own)) checkRubric(each);
  if (rubric) return { id: rubric.id, of: () => rubric };
  const byType = new Map<string, Rubric>(Object.entries({ ...rubrics, ...own }));
  // Another set of rubrics is another judge, and its scores must not pass for the old one's.
  const id = Object.keys(own).length === 0 ? "auto-v1" : `auto-${hashOf(own)}`;
  return { id, of: ({ agentType }) => byType.get(agentType) ?? byType.get("general") ?? rubrics.general };
}

function hashOf(own: Readonly<Record<string, Rubric>>): string {
  const sorted = Object.entries(own).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex").slice(0, 8);
}

/** Reads a rubric of one's own, from a JSON file for example. @throws ConfigError naming what is wrong */
export function parseRubric(given: unknown): Rubric {
  const parsed = rubricShape.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const wanted = issue?.code === "invalid_type" ? `: its type has to be ${issue.expected}` : "";
    throw new ConfigError(`the rubric's ${issue?.path.join(".") || "value"} is missing or wrong${wanted}`);
  }
  checkRubric(parsed.data);
  return parsed.data;
}

const rubricShape = /* @__PURE__ */ (() =>
  z.object({
    id: z.string(),
    task: z.string(),
    criteria: z.array(
      z.object({
        id: z.string(),
        description: z.string(),
        weight: z.optional(z.number()),
        decisive: z.optional(z.boolean()),
      }),
    ),
  }))();

/** @throws ConfigError naming what is wrong with a rubric */
function checkRubric({ id, criteria }: Rubric): void {
  if (!/^[\w.-]{1,64}$/.test(id)) {
    throw new ConfigError(`the rubric's id is "${id}": use up to 64 letters, digits, "_", "." and "-"`);
  }
  if (criteria.length === 0 || criteria.length > 20) {
    throw new ConfigError(`rubric "${id}" has ${criteria.length} criteria: use 1 to 20`);
  }
  const seen = new Set(["nonce", "rationale", "overall"]);
  for (const { id: name, weight = 1 } of criteria) {
    if (!/^[a-z][a-z0-9_]{0,39}$/.test(name) || seen.has(name)) {
      throw new ConfigError(
        `rubric "${id}" has a criterion "${name}": use lower-case letters, digits and "_", each name once, and not nonce, rationale or overall`,
      );
    }
    if (!(weight > 0 && weight <= 1000)) {
      throw new ConfigError(`criterion "${name}" of rubric "${id}" weighs ${weight}: use a number above 0`);
    }
    seen.add(name);
  }
}

/** The mean of the criteria by weight, never above a decisive one. */
export function overallOf({ criteria }: Rubric, scores: Readonly<Record<string, number>>): number {
  let [sum, weights, ceiling] = [0, 0, 1];
  for (const { id, weight = 1, decisive = false } of criteria) {
    const value = scores[id] ?? 0;
    sum += value * weight;
    weights += weight;
    if (decisive) ceiling = Math.min(ceiling, value);
  }
  return Math.min(sum / weights, ceiling);
}
