/** The words of a text that carry its meaning, in a common form: `scores`, `scored` and `scoring` are one. */
export function termsOf(text: string): readonly string[] {
  const words = text
    .replace(/(?<=\p{Ll})(?=\p{Lu})/gu, " ") // minQualityDiff
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu);
  return (words ?? []).filter((word) => !STOP_WORDS.has(word)).map(stemOf);
}

/** How often each run of three characters occurs, word by word: near in spelling is near, whatever the ending. */
export function trigramsOf(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const trigram of termsOf(text).flatMap(trigramsIn)) counts.set(trigram, (counts.get(trigram) ?? 0) + 1);
  return counts;
}

/** Whether one term is most likely the other, typed in haste: long ones that share most of their trigrams. */
export function isMisspelt(term: string, word: string): boolean {
  if (Math.min(term.length, word.length) < 5 || term[0] !== word[0]) return false;
  const [one, other] = [trigramsIn(term), trigramsIn(word)];
  const shared = one.filter((trigram) => other.includes(trigram)).length;
  return (2 * shared) / (one.length + other.length) >= 0.6;
}

function trigramsIn(term: string): readonly string[] {
  const padded = ` ${term} `;
  return Array.from({ length: padded.length - 2 }, (_, place) => padded.slice(place, place + 3));
}

function stemOf(word: string): string {
  const stem = word.replace(/ies$/, "y").replace(/(?<=\p{L}{3})(?:ings?|ed|es|s)$/u, "");
  return stem.length > 3 ? stem.replace(/e$/, "") : stem;
}

const STOP_WORDS = new Set(
  (
    "a an and any are as at be been by can could do does did for from had has have how i if in into is it its many me " +
    "mean much my of on or our should so than that the their them then there these they this those to was we were what " +
    "when where which who whose why will with would you your"
  ).split(" "),
);
