import type { StoredInteraction } from "../annotation.js";
import type { Score } from "../scorer.js";
import { isDegenerate } from "./degenerate-answer.js";

/** The score of the first defect that shows on an answer's face; null when none does. */
export function defectScore(interaction: StoredInteraction): Score | null {
  for (const [defect, overall, shows] of DEFECTS) {
    if (shows(interaction)) return { scores: { overall }, rationale: defect };
  }
  return null;
}

/** The first that shows decides. A refusal or a cut-off answer may still hold something, an error holds nothing. */
const DEFECTS: readonly (readonly [defect: string, overall: number, (interaction: StoredInteraction) => boolean])[] = [
  ["the agent ended in an error", 0, ({ errorOccurred }) => errorOccurred],
  ["the answer is empty or says nothing", 0, ({ answer }) => isDegenerate(answer)],
  ["the answer repeats itself", 0.1, ({ answer }) => repeats(answer)],
  ["the agent refused to answer", 0.2, ({ answer }) => refuses(answer)],
  ["the answer is cut off", 0.3, (interaction) => isCutOff(interaction)],
];

/** How far into a text a refusal is looked for: later it is part of an answer. */
const OPENING = 160;

const REFUSALS = [
  /^(?:i'm |i am )?(?:very |really |so )?(?:sorry|afraid|apologi[sz]e|unfortunately)\b.{0,60}\b(?:can't|cannot|can not|unable|not able|won't|not comfortable)\b/,
  /^(?:i |we )(?:apologi[sz]e).{0,60}\b(?:can't|cannot|can not|unable|not able|won't)\b/,
  /^(?:i |we )(?:can't|cannot|can not|won't|will not|am unable to|am not able to|must decline to) (?:help|assist|answer|provide|comply|fulfil+|do that|continue|create|discuss|share|support|engage)/,
  /^(?:i'm |we're )(?:unable|not able) to (?:help|assist|answer|provide|comply|fulfil+|do that|continue|create|discuss|share)/,
  /^as an? (?:ai|artificial intelligence|(?:large )?language model)\b.{0,80}\b(?:can't|cannot|can not|unable|not able|don't|do not|won't)\b/,
];

function refuses(answer: string): boolean {
  const opening = answer.trimStart().slice(0, OPENING).toLowerCase().replaceAll("’", "'").replace(/\s+/g, " ");
  return REFUSALS.some((refusal) => refusal.test(opening));
}

function isCutOff({ answer, metadata }: StoredInteraction): boolean {
  const reason = metadata?.finish_reason ?? metadata?.finishReason;
  if (reason === "length" || reason === "max_tokens") return true;
  if ((answer.split("```").length - 1) % 2 === 1) return true;
  const end = answer.trimEnd();
  // Short answers may end anyhow; a long text that ends on a comma or on "the" was not finished.
  return end.length >= 200 && (/[,([{+*/=<]$/.test(end) || UNFINISHED.test(end.slice(-12)));
}

const UNFINISHED = /\s(?:the|a|an|and|or|of|to|in|for|with|that|is|are|by|from)$/i;

/** Enough text to call a pattern a loop. */
const LOOP = 200;
const MAX_PERIOD = 60;
const SHINGLE = 6;

/** True when the end of a text is one pattern over and over, or most of its word sequences occur several times. */
function repeats(answer: string): boolean {
  const text = answer.trimEnd();
  if (text.length < LOOP) return false;
  const tail = text.slice(-LOOP);
  for (let period = 1; period <= MAX_PERIOD; period++) {
    if (tail.slice(period) === tail.slice(0, -period) && !/^[\s=*_#.-]*$/.test(tail)) return true;
  }
  const words = text.slice(-20_000).split(/\s+/);
  if (words.length < 60) return false;
  const shingles = new Set<string>();
  for (let i = 0; i + SHINGLE <= words.length; i++) shingles.add(words.slice(i, i + SHINGLE).join(" "));
  return shingles.size / (words.length - SHINGLE + 1) < 0.35;
}
