import type { ToolSchema } from "@whetstone/core";

/** What every agent here gives back, and what its wrapper records. */
export interface MathAnswer {
  readonly answer: string;
  readonly steps: readonly WorkedStep[];
  /** Null when the agent did not check itself. */
  readonly verification: Verification | null;
  readonly toolsUsed: readonly string[];
  /** The whole trajectory in OpenAI chat shape, from the system turn to the answer. */
  readonly messages: readonly object[];
  readonly tools?: readonly ToolSchema[] | undefined;
  readonly model?: string | undefined;
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number } | undefined;
}

export interface WorkedStep {
  readonly what: string;
  readonly expression: string;
  readonly result: string;
}

export interface Verification {
  readonly passed: boolean;
  /** What was worked out once more, and what came of it. */
  readonly detail: string;
}

/** Answers a question: with a plan of our own, or with a model. */
export type Solve = (question: string) => Promise<MathAnswer>;

/** All agents get the same instructions, so that their answers to one task can be compared. */
export const SYSTEM_PROMPT =
  "You solve maths problems. Plan the steps, work them out one by one, and end with a line that says " +
  '"The answer is" and the result. A calculator may be at hand as a tool.';
