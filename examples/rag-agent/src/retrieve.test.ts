import { describe, expect, it } from "vitest";
import { cutAtHeadings, DOCS_FOLDER, readPassages } from "./passages.js";
import { questions } from "./questions.js";
import { indexPassages, type Retrieve } from "./retrieve.js";

const pages = [
  ["sharpening.md", "# Sharpening\nMove the blade along the whetstone at twenty degrees."],
  ["storage.md", "# Storage\nKeep a knife dry. A magnetic rack is best for knives."],
  ["rust.md", "# Rust\nOil keeps rust away."],
] as const;
const { bm25, hybrid } = indexPassages(pages.flatMap(([name, text]) => cutAtHeadings(name, text)));
const found = (retrieve: Retrieve, question: string) => retrieve(question, 3).map(({ passage }) => passage.page);

describe("the two ways of searching", () => {
  it("find a passage by its words, in whatever form", () => {
    expect(found(bm25, "How are racks stored?")[0]).toBe("storage.md");
    expect(found(hybrid, "How are racks stored?")[0]).toBe("storage.md");
  });

  it("differ where a word is misspelt: only hybrid finds it", () => {
    expect(found(bm25, "wetstoen for blaeds?")).toEqual([]);
    expect(found(hybrid, "wetstoen for blaeds?")[0]).toBe("sharpening.md");
  });

  it("give no more than they are asked for, the best first, and the same again", () => {
    const twice = [1, 2].map(() => hybrid("oil for a knife blade", 2).map(({ score }) => score));
    expect(twice[0]).toHaveLength(2);
    expect(twice[0]).toEqual([...(twice[0] ?? [])].sort((a, b) => b - a));
    expect(twice[0]).toEqual(twice[1]);
  });

  it("find nothing for a question of stop words", () => {
    expect(found(hybrid, "what is it?")).toEqual([]);
  });
});

it("names an expected page first for most of our questions about the docs, and among four for nearly all", async () => {
  const real = indexPassages(await readPassages(DOCS_FOLDER));
  const rightAmong = (retrieve: Retrieve, limit: number) =>
    questions.filter(({ question, pages: expected }) =>
      retrieve(question, limit).some(({ passage }) => expected.includes(passage.page)),
    ).length;
  const told = [1, 4].map(
    (limit) => `${rightAmong(real.hybrid, limit)} by hybrid, ${rightAmong(real.bm25, limit)} by BM25`,
  );
  console.log(`expected page first: ${told[0]}; among four: ${told[1]}; of ${questions.length} questions`);
  expect(rightAmong(real.hybrid, 1)).toBeGreaterThanOrEqual(questions.length * 0.75);
  expect(rightAmong(real.hybrid, 4)).toBeGreaterThanOrEqual(questions.length * 0.85);
  expect(rightAmong(real.hybrid, 4)).toBeGreaterThan(rightAmong(real.bm25, 4));
});
