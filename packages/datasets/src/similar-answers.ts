import { similarTexts } from "./similar-texts.js";

/** Shorter answers recur rightly: a number, a label, a yes. */
const SHORT = 100;

/** Returns what says of one answer after the other whether `most` answers like it came before. */
export function similarAnswerFinder(most: number): (answer: string) => boolean {
  if (most === Infinity) return () => false;
  const answers = similarTexts();
  return (answer) => answer.length >= SHORT && answers.sizeOf(answers.add(answer)) > most;
}
