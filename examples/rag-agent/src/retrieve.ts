import MiniSearch from "minisearch";
import type { Passage } from "./passages.js";
import { termsOf, trigramsOf } from "./terms.js";
import { cosine, inverseFrequency } from "./weights.js";

export interface Found {
  readonly passage: Passage;
  /** Comparable within one search only. */
  readonly score: number;
}

/** The passages that suit a question best, the best first. */
export type Retrieve = (question: string, limit: number) => readonly Found[];

export interface Retrievers {
  /** Words, by BM25. */
  readonly bm25: Retrieve;
  /** BM25 and the nearness in spelling of the best sentence, joined by their ranks. */
  readonly hybrid: Retrieve;
}

/** Indexes passages for two ways of searching them. */
export function indexPassages(passages: readonly Passage[]): Retrievers {
  const byId = new Map(passages.map((passage) => [passage.id, passage]));
  const index = new MiniSearch<Passage>({
    fields: ["title", "text"],
    tokenize: (text) => [...termsOf(text)],
    processTerm: (term) => term,
    searchOptions: { boost: { title: 2 } },
  });
  index.addAll([...byId.values()]);

  const sentences = [...byId.values()].flatMap((passage) =>
    passage.sentences.map((sentence) => ({ passage, trigrams: trigramsOf(`${passage.title} ${sentence}`) })),
  );
  const trigramWeight = inverseFrequency(sentences.map(({ trigrams }) => trigrams.keys()));

  const bm25: Retrieve = (question, limit) =>
    index
      .search(question)
      .slice(0, limit)
      .flatMap(({ id, score }) => {
        const passage = byId.get(String(id));
        return passage ? [{ passage, score }] : [];
      });

  const spelling: Retrieve = (question, limit) => {
    const asked = trigramsOf(question);
    const best = new Map<Passage, number>();
    for (const { passage, trigrams } of sentences) {
      const nearness = cosine(asked, trigrams, trigramWeight);
      if (nearness > (best.get(passage) ?? 0)) best.set(passage, nearness);
    }
    return byScore(best).slice(0, limit);
  };

  return {
    bm25,
    hybrid: (question, limit) => fused([bm25(question, CANDIDATES), spelling(question, CANDIDATES)]).slice(0, limit),
  };
}

const CANDIDATES = 20;

/** Damps the first ranks, so that one list's favourite does not outweigh what both lists like. */
const RANK_OFFSET = 60;

/** Reciprocal rank fusion: scores of different kinds cannot be compared, but ranks can. */
function fused(lists: readonly (readonly Found[])[]): readonly Found[] {
  const scores = new Map<Passage, number>();
  for (const list of lists) {
    for (const [rank, { passage }] of list.entries()) {
      scores.set(passage, (scores.get(passage) ?? 0) + 1 / (RANK_OFFSET + rank + 1));
    }
  }
  return byScore(scores);
}

function byScore(scores: ReadonlyMap<Passage, number>): readonly Found[] {
  const found = [...scores].map(([passage, score]) => ({ passage, score }));
  return found.sort((a, b) => b.score - a.score || (a.passage.id < b.passage.id ? -1 : 1));
}
