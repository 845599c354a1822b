import type { Source } from "@whetstone/core";
import type { TokenUsage } from "@whetstone/example-shared/chat-model";
import type OpenAI from "openai";
import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import { citationQuality } from "./citations.js";
import { askModel, type Compose, extractSentences, NO_ANSWER, type Prompt } from "./compose-answer.js";
import type { Passage } from "./passages.js";
import { indexPassages, type Retrieve } from "./retrieve.js";

/** What every agent here gives back, and what its wrapper records. */
export interface RagAnswer {
  readonly answer: string;
  /** In the order of their numbers: `[1]` is the first. */
  readonly sources: readonly Source[];
  readonly retrievalMethod: "hybrid" | "bm25";
  /** The share of sentences that cite a source which says them. Null when nothing was claimed. */
  readonly citationQuality: number | null;
  readonly messages: readonly ChatCompletionMessageParam[];
  readonly model?: string | undefined;
  readonly usage?: TokenUsage | undefined;
}

/** Answers a question: with sentences of the pages, or with a model that reads them. */
export type Answer = (question: string) => Promise<RagAnswer>;

/**
 * Three ways to answer from the same pages: `cited` searches in two ways and cites each sentence, `uncited` leaves the
 * citations out, `plain` also searches by words alone.
 */
export function offlineVariants(passages: readonly Passage[]): Readonly<Record<"cited" | "uncited" | "plain", Answer>> {
  const { hybrid, bm25 } = indexPassages(passages);
  const bare = extractSentences(passages, { citations: false });
  return {
    cited: answerWith("hybrid", hybrid, extractSentences(passages)),
    uncited: answerWith("hybrid", hybrid, bare),
    plain: answerWith("bm25", bm25, bare),
  };
}

/** The same search, with a model that reads what was found. */
export function liveVariant(passages: readonly Passage[], client: OpenAI, model: string): Answer {
  return answerWith("hybrid", indexPassages(passages).hybrid, askModel(client, model));
}

const SOURCES = 4;

function answerWith(retrievalMethod: "hybrid" | "bm25", retrieve: Retrieve, compose: Compose): Answer {
  return async (question) => {
    const found = retrieve(question, SOURCES);
    const passages = found.map(({ passage }) => passage);
    const prompt = promptFor(question, passages);
    const { answer, model, usage } = await compose(question, passages, prompt);
    return {
      answer,
      sources: found.map(({ passage: { id, title, text }, score }) => ({ id, title, url: `docs/${id}`, text, score })),
      retrievalMethod,
      citationQuality:
        answer === NO_ANSWER
          ? null
          : citationQuality(
              answer,
              passages.map(({ title, text }) => `${title} ${text}`),
            ),
      messages: [...prompt, { role: "assistant", content: answer }],
      model,
      usage,
    };
  };
}

function promptFor(question: string, passages: readonly Passage[]): Prompt {
  const sources = passages.map(({ title, text }, place) => `[${place + 1}] ${title}\n${text}`);
  return [
    { role: "system", content: SYSTEM_PROMPT },
    { role: "user", content: `${sources.join("\n\n")}\n\nQuestion: ${question}` },
  ];
}

const SYSTEM_PROMPT =
  "You answer questions about Whetstone from the numbered sources alone, in one to three sentences. Each sentence ends " +
  `with the number of its source in brackets, such as [1]. When the sources do not answer, say: ${NO_ANSWER}`;
