import { lastAmount, leadingAmount } from "./stated-amount.js";

/**
 * The last correction of an answer: "Wait, no, it is 12.", "Sorry, that should be 12", "No, 12." Null when there is
 * none; a "wait" that only goes on calculating is none.
 */
export function laterCorrection(text: string): { readonly at: number; readonly answer: string } | null {
  let last: { at: number; answer: string } | null = null;
  for (const { index } of text.matchAll(OPENING)) {
    // A number at the end of the reach may be half a number.
    const reach = text.slice(index, index + REACH + 1);
    const passage = (reach.length > REACH ? reach.replace(/\S*$/, "") : reach).replace(OPENINGS, "");
    const [first = "", ...more] = passage.split(/[.!?;](?:\s+|$)|\n+/);
    const concluded = more.findLast((sentence) => CONCLUSION.test(sentence))?.replace(CONCLUSION, "");
    const answer = statedIn(concluded ?? "") ?? statedIn(first) ?? bareCorrection(first);
    if (answer !== null) last = { at: index, answer };
  }
  return last;
}

function statedIn(sentence: string): string | null {
  return STATED.test(sentence) ? lastAmount(sentence.replace(REASON, "")) : null;
}

/** What corrects stands within so many characters behind the word that announces it. */
const REACH = 200;

const WORD =
  "(?:wait|no|oops|sorry|hmm|actually|correction|rather|scratch that|i mean|i meant|edit|on second thought|my (?:mistake|bad|error)|i made an? (?:mistake|error)|let me correct (?:that|this|it|myself))";
const OPENING = new RegExp(String.raw`(?<=(?:^|[.!?,;:(\n—–-])[ *_]{0,3})${WORD}\b`, "gi");
/** "Wait, no, sorry: " */
const OPENINGS = new RegExp(String.raw`^(?:${WORD}\b|[\s,.:;!…—–*_-](?!\d))*[ *_]*`, "i");

const STATED =
  /^(?:(?:so|then|in fact|i think|i believe) )?(?:it|that|this|(?:the|my) (?:[a-z]{1,20} )?(?:answer|result|total|sum|value|number))(?:['’]s| is| was| should be| should have been| must be| would be| equals| comes to| makes| gives)(?: actually| really| only| in fact| just)?:? (?=(?:not )?[*$\\(]{0,3}[-−$€£¥₹]?\.?\d)/i;
/** Behind some more calculation only what is called a conclusion corrects. */
const CONCLUSION = /^(?:so|thus|therefore|hence),? /i;
const REASON = /\b(?:because|since|as)\b.*/is;

/** "12", "12 eggs", "13 was right after all": an amount, and nothing that is done with it. */
function bareCorrection(sentence: string): string | null {
  const amount = leadingAmount(sentence);
  if (amount === null) return null;
  const rest = sentence.slice(amount.length);
  return /^(?: \p{L}+){0,2}[*_)]*$|^ (?:is|was) (?:right|correct)\b/u.test(rest) ? amount : null;
}
