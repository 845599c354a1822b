import { chatModel, type TokenUsage } from "@whetstone/example-shared/chat-model";
import type OpenAI from "openai";
import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import { type Passage, splitSentences } from "./passages.js";
import { isMisspelt, termsOf } from "./terms.js";
import { inverseFrequency } from "./weights.js";

/** Makes an answer out of what was found. */
export type Compose = (question: string, found: readonly Passage[], prompt: Prompt) => Promise<Composed> | Composed;

/** What a model reads, and so what a trained one will read: the instructions, the sources and the question. */
export type Prompt = readonly ChatCompletionMessageParam[];

export interface Composed {
  readonly answer: string;
  readonly model?: string | undefined;
  readonly usage?: TokenUsage | undefined;
}

export const NO_ANSWER = "The documentation does not say.";

/** Quotes the sentences that answer best, each with the number of its source, or without. */
export function extractSentences(
  passages: readonly Passage[],
  { citations = true, count = 3 }: { citations?: boolean; count?: number } = {},
): Compose {
  const weightOf = inverseFrequency(
    passages.flatMap(({ title, sentences }) => sentences.map((s) => termsOf(`${title} ${s}`))),
  );
  const massOf = (terms: Iterable<string>) => [...terms].reduce((sum, term) => sum + weightOf(term), 0);

  return (question, found) => {
    const asked = new Set(termsOf(question));
    const candidates = found.flatMap(({ title, sentences }, place) => {
      const heading = new Set(termsOf(title));
      return sentences.map((sentence) => {
        const words = new Set(termsOf(sentence));
        const hits = [...asked].filter((term) => isAmong(words, term));
        const nearby = [...asked].filter((term) => !hits.includes(term) && isAmong(heading, term));
        // What only the heading says counts half; a passage that was found later counts less.
        const score = (massOf(hits) + massOf(nearby) / 2) / (1 + place / 4);
        return { place, sentence, score: hits.length + nearby.length === 0 ? 0 : score };
      });
    });
    const best = candidates.toSorted((a, b) => b.score - a.score).slice(0, count);
    const top = best[0]?.score ?? 0;
    if (top === 0 || top < massOf(asked) * WORTH_SAYING) return { answer: NO_ANSWER };
    const chosen = best.filter(({ score }) => score >= top * NEARLY_AS_GOOD);
    return { answer: chosen.map(({ sentence, place }) => quoted(sentence, citations ? place + 1 : null)).join(" ") };
  };
}

function isAmong(words: ReadonlySet<string>, term: string): boolean {
  return words.has(term) || [...words].some((word) => isMisspelt(term, word));
}

/** Below this share of what was asked, the best sentence is about something else. */
const WORTH_SAYING = 0.3;

/** A further sentence is quoted from this share of the best one's score on. */
const NEARLY_AS_GOOD = 0.65;

/** Lets a model behind an OpenAI-compatible endpoint answer from the sources. */
export function askModel(client: OpenAI, model: string): Compose {
  const ask = chatModel(client, model);
  return async (_question, _found, prompt) => {
    const { message, model: answeredBy, usage } = await ask(prompt);
    return { answer: message.content ?? "", model: answeredBy, usage };
  };
}

// A cell of a table may hold several sentences.
function quoted(text: string, source: number | null): string {
  const mark = source === null ? "" : ` [${source}]`;
  return splitSentences(text)
    .map((sentence) => `${sentence.replace(/[.:;,]$/, "")}${mark}.`)
    .join(" ");
}
