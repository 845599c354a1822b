import { inputs } from "./corpus.js";

/** What every agent of the comparison is: it knows its answer and gives it, now or in the next turn of the event loop. */
export type Agent = (query: string) => Promise<Answered>;

/** The answer, and five fields about it. */
export interface Answered extends About {
  readonly answer: string;
}

export interface About {
  readonly region: string;
  readonly attempt: number;
  readonly cached: boolean;
  readonly temperature: number;
  readonly session: string;
}

/** The first calls of every run, neither measured nor counted: enough for what runs behind a caller's back to be compiled. */
export const WARM_UP = 10_000;

/** As many texts as an agent at work has in memory at most: were there more, their garbage collection would be measured. */
const texts = inputs(1_000).map(({ query, answer }) => ({ question: `${query} ${answer}`, answer }));

/** The question of a call, 200 characters with the call's number in front. */
export function question(n: number): string {
  return flat(`#q${n}# ${texts[n % texts.length]?.question}`.slice(0, 200));
}

/** What is answered to a question: 1,200 characters with the same number in front, and the fields. */
export function answered(query: string): Answered {
  const n = Number(query.slice(2, query.indexOf("#", 2)));
  const answer = flat(`#a${n}# ${texts[n % texts.length]?.answer}`.slice(0, 1_200));
  return { answer, region: "eu", attempt: n % 3, cached: false, temperature: 0.25, session: `session-${n >> 3}` };
}

/** How many calls behind the first arrived with both question and answer. What arrived twice counts once. */
export function arrivedCalls(received: Iterable<string>): number {
  const questions = new Set<string>();
  const answers = new Set<string>();
  for (const text of received) {
    for (const [, kind, number = ""] of text.matchAll(/#([qa])(\d+)#/g))
      (kind === "q" ? questions : answers).add(number);
  }
  return [...questions].filter((number) => answers.has(number) && Number(number) >= WARM_UP).length;
}

/** The same text in one piece, as it comes from a parser. */
const flat = (text: string) => Buffer.from(text).toString();
