import { splitSentences } from "./passages.js";
import { termsOf } from "./terms.js";

/** From this share of a sentence's words on, its source is taken to say it. */
const SUPPORTED = 0.6;

/**
 * The share of an answer's sentences that cite a source which says them, by the words they have in common. A sentence
 * without a citation, or with one of a source that does not exist, counts as unsupported. Null for an empty answer.
 */
export function citationQuality(answer: string, sources: readonly string[]): number | null {
  // Some write the number behind the full stop.
  const marksInside = answer.replace(/([.!?])\s*((?:\[\d{1,3}\]\s*)+)/g, " $2$1 ");
  const sentences = splitSentences(marksInside).filter((sentence) => termsOf(withoutMarks(sentence)).length > 0);
  if (sentences.length === 0) return null;
  const known = sources.map((source) => new Set(termsOf(source)));
  const supported = sentences.filter((sentence) => {
    const words = termsOf(withoutMarks(sentence));
    const cited = [...sentence.matchAll(MARK)].flatMap(([, place]) => known[Number(place) - 1] ?? []);
    const shared = words.filter((word) => cited.some((source) => source.has(word)));
    return shared.length / words.length >= SUPPORTED;
  });
  return supported.length / sentences.length;
}

const MARK = /\[(\d{1,3})\]/g;

function withoutMarks(sentence: string): string {
  return sentence.replace(MARK, " ");
}
