import type { Interaction } from "../interaction.js";

/**
 * Whether an answer says nothing: empty, only punctuation, only an opening such as "Solution" or "Thought process:", or
 * only the wrapping of an answer: thinking aloud, an empty `<answer>` or `\boxed{}`.
 * Judges are known to score such texts as right, so no automatic scorer may.
 */
export function isDegenerate(answer: string): boolean {
  if (answer.length > 4000) return !/[\p{L}\p{N}]/u.test(answer);
  const text = answer.replace(/^\s*<think>.*?(?:<\/think>|$)/s, "").replace(/<\/?(?:think|answer)>|\\boxed\b/g, " ");
  const words = text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
  if (words === "") return !/[\p{S}]/u.test(text.replace(/[`^+=<>|~$-]/g, ""));
  return OPENINGS.has(words);
}

/** Nothing but an opening is no answer, unless it is the very answer that was looked for. */
export function saysNothing({ answer, reference }: Pick<Interaction, "answer" | "reference">): boolean {
  return isDegenerate(answer) && (reference === undefined || answer.trim() !== reference.trim());
}

const OPENINGS = new Set([
  "solution",
  "the solution",
  "answer",
  "the answer",
  "the answer is",
  "final answer",
  "response",
  "explanation",
  "reasoning",
  "thought process",
  "thinking process",
  "let s think step by step",
  "let s solve this problem step by step",
  "let s solve this step by step",
  "step by step",
  "here is the solution",
  "here s the solution",
  "here is the answer",
  "here s the answer",
]);
