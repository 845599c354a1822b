import { lastAmount, leadingAmount } from "./stated-amount.js";

/**
 * The last correction of an answer: "Wait, no, it is 12.", "Sorry, that should be 12", "No, 12." Null when there is
 * none; a "wait" that only goes on calculating is none.
 */
export function laterCorrection(text: string): { readonly at: number; readonly answer: string } | null {
  let last: { at: number; answer: string } | null = null;
  for (const { index } of text.matchAll(OPENING)) {
    const passage = text.slice(index, index + REACH).replace(OPENINGS, "");
    const end = passage.search(/[.!?](?:\s|$)|\n/);
    const sentence = end < 0 ? passage : passage.slice(0, end);
    const answer = STATED.test(sentence) ? lastAmount(sentence.replace(REASON, "")) : bareCorrection(sentence);
    if (answer !== null) last = { at: index, answer };
  }
  return last;
}

/** What corrects stands within so many characters behind the word that announces it. */
const REACH = 200;

const WORD =
  "(?:wait|no|oops|sorry|hmm|actually|correction|rather|scratch that|i mean|i meant|my mistake|on second thought)";
const OPENING = new RegExp(String.raw`(?<=(?:^|[.!?,;:(\n—–-])[ *_]{0,3})${WORD}\b`, "gi");
/** "Wait, no, sorry: " */
const OPENINGS = new RegExp(String.raw`^(?:${WORD}\b|[\s,.:;!…—–*_-](?!\d))*[ *_]*`, "i");

const STATED =
  /^(?:(?:so|then|in fact|i think|i believe) )?(?:it|that|this|(?:the|my) (?:[a-z]{1,20} )?(?:answer|result|total|sum|value|number))(?:['’]s| is| was| should be| should have been| must be| would be| equals| comes to| makes| gives)(?: actually| really| only| in fact| just)?:? (?=(?:not )?[*$\\(]{0,3}[-−$€£¥₹]?\.?\d)/i;
const REASON = /\b(?:because|since|as)\b.*/is;

/** "12", "12 eggs", "13 was right after all": an amount, and nothing that is done with it. */
function bareCorrection(sentence: string): string | null {
  const amount = leadingAmount(sentence);
  if (amount === null) return null;
  const rest = sentence.slice(amount.length);
  return /^(?: \p{L}+){0,2}[*_]*$|^ (?:is|was) (?:right|correct)\b/u.test(rest) ? amount : null;
}
