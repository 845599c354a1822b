import * as fc from "fast-check";
import { expect, it } from "vitest";
import { similarTexts } from "./similar-texts.js";

const wordsOf = (text: string) => text.toLowerCase().match(/[a-z0-9]+/g) ?? [];

function pairsOf(text: string): Set<string> {
  const words = wordsOf(text);
  return new Set(words.length > 1 ? words.slice(1).map((word, i) => `${words[i]} ${word}`) : words);
}

/** The exact similarity that MinHash estimates. */
function jaccard(a: string, b: string): number {
  const [left, right] = [pairsOf(a), pairsOf(b)];
  const both = [...left].filter((pair) => right.has(pair)).length;
  return both / (left.size + right.size - both);
}

const VOCABULARY = Array.from({ length: 600 }, (_, i) => `w${(i * 7919) % 600}`);

/** A text of `length` words and a variant with some of them replaced, left out or put in. */
const variants = fc
  .record({
    words: fc.array(fc.constantFrom(...VOCABULARY), { minLength: 4, maxLength: 120 }),
    edits: fc.array(
      fc.record({
        at: fc.nat({ max: 119 }),
        kind: fc.constantFrom("replace", "remove", "insert"),
        word: fc.constantFrom(...VOCABULARY),
      }),
      { minLength: 1, maxLength: 8 },
    ),
  })
  .map(({ words, edits }) => {
    const changed = [...words];
    for (const { at, kind, word } of edits) {
      changed.splice(at % Math.max(1, changed.length), kind === "insert" ? 0 : 1, ...(kind === "remove" ? [] : [word]));
    }
    return [words.join(" "), changed.join("  ")] as const;
  });

it("finds at least 98 % of the variants that share 0.7 of their word pairs or more, however short", () => {
  const samples = fc.sample(variants, { numRuns: 20_000, seed: 11 });
  const near = samples.filter(([text, variant]) => jaccard(text, variant) >= 0.7);
  const edge = near.filter(([text, variant]) => jaccard(text, variant) < 0.75);
  const recall = (pairs: typeof near) => {
    const found = pairs.filter(([text, variant]) => {
      const texts = similarTexts();
      const number = texts.add(text);
      return texts.clusterOf(number) === texts.clusterOf(texts.add(variant));
    });
    return found.length / pairs.length;
  };
  const figures = { near: near.length, recall: recall(near), edge: edge.length, recallAtTheEdge: recall(edge) };
  console.log(figures);
  expect(near.length).toBeGreaterThan(2000);
  expect(figures.recall).toBeGreaterThanOrEqual(0.98);
  expect(figures.recallAtTheEdge).toBeGreaterThanOrEqual(0.95);
});

it("finds them among many others too, and hardly ever joins texts that share less than half", () => {
  const pairs = fc.sample(variants, { numRuns: 4000, seed: 5 });
  const texts = similarTexts();
  const originals = pairs.map(([text]) => texts.add(text));
  const joined = pairs.map(
    ([, variant], i) => texts.clusterOf(texts.add(variant)) === texts.clusterOf(originals[i] ?? 0),
  );
  const near = pairs.map(([text, variant], i) => ({ similarity: jaccard(text, variant), joined: joined[i] }));
  const share = (from: number, to: number) => {
    const some = near.filter(({ similarity }) => similarity >= from && similarity < to);
    return some.filter((pair) => pair.joined).length / some.length;
  };
  console.log({ from07: share(0.7, 2), from05: share(0.5, 0.7), below05: share(0, 0.5), below03: share(0, 0.3) });
  expect(share(0.7, 2)).toBeGreaterThanOrEqual(0.98);
  expect(share(0, 0.5)).toBeLessThan(0.1);
});

it("finds them among prompts of one template too, which share nearly a third with each other, and keeps those apart", () => {
  const families = 20_000;
  const word = fc.constantFrom(...Array.from({ length: 5000 }, (_, i) => `v${i}`));
  const samples = fc.sample(
    fc.record({
      words: fc.array(word, { minLength: 30, maxLength: 30 }),
      edits: fc.uniqueArray(fc.nat({ max: 29 }), { minLength: 5, maxLength: 5 }),
      other: word,
    }),
    { numRuns: families, seed: 7 },
  );
  const template = VOCABULARY.slice(0, 30);
  const filledIn = (words: readonly string[]) => [...template.slice(0, 15), ...words, ...template.slice(15)].join(" ");
  const prompts = samples.map(({ words }) => filledIn(words));
  const edited = samples.map(({ words, edits, other }) =>
    filledIn(words.map((word, at) => (edits.includes(at) ? `${other}${at}` : word))),
  );

  const texts = similarTexts();
  const [numbers, others] = [prompts.map(texts.add), edited.map(texts.add)];
  const near = numbers.map((_, i) => i).filter((i) => jaccard(prompts[i] ?? "", edited[i] ?? "") >= 0.7);
  const found = near.filter((i) => texts.clusterOf(numbers[i] ?? 0) === texts.clusterOf(others[i] ?? 0)).length;
  const shared = jaccard(prompts[0] ?? "", prompts[1] ?? "");
  const largest = Math.max(...numbers.map(texts.sizeOf));
  console.log({ families, shared, near: near.length, found, missed: near.length - found, largest });
  expect(near.length).toBeGreaterThan(families / 4);
  expect(found / near.length).toBeGreaterThanOrEqual(0.98);
  expect(largest).toBeLessThan(20);
});

it("brings the same texts together whether someone asks after each one or when all are in, however many they are", () => {
  const pairs = fc.sample(variants, { numRuns: 3000, seed: 23 });
  const [asked, waiting] = [similarTexts(), similarTexts()];
  for (const text of pairs.flat()) asked.clusterOf(asked.add(text));
  const numbers = pairs.flat().map(waiting.add);
  expect(numbers.map(waiting.clusterOf)).toEqual(numbers.map(asked.clusterOf));
  expect(numbers.map(waiting.sizeOf)).toEqual(numbers.map(asked.sizeOf));
  expect(numbers.some((number) => waiting.clusterOf(number) !== number)).toBe(true);
});

it("knows a text that is alike one that was added, and does not take it in", () => {
  const texts = similarTexts();
  const question = VOCABULARY.slice(0, 20);
  texts.add(question.join(" "));
  const asked = [question.join(", "), question.with(9, "other").join(" "), VOCABULARY.slice(20, 40).join(" ")];
  expect(asked.map(texts.has)).toEqual([true, true, false]);
  expect(texts.length).toBe(1);
});
