import { describe, expect, it } from "vitest";
import { cutAtHeadings, DOCS_FOLDER, readPassages } from "./passages.js";

const page = [
  "# Knives",
  "How to keep [them](care.md) sharp. Use a stone.",
  "It takes",
  "a minute.",
  "",
  "## The stone, and water",
  "- Soak it for `10 min`.",
  "- Dry it.",
  "",
  "```sh",
  "# not a heading",
  "whet --wet",
  "```",
  "",
  "| grit | for |",
  "|---|---|",
  "| 400 | chips |",
  "",
  "## Empty",
].join("\n");

describe("cutAtHeadings", () => {
  const passages = cutAtHeadings("knives.md", page);

  it("makes a passage of each heading that has text, under the anchor that GitHub gives it", () => {
    expect(passages.map(({ id, title }) => [id, title])).toEqual([
      ["knives.md#knives", "Knives"],
      ["knives.md#the-stone-and-water", "Knives: The stone, and water"],
    ]);
  });

  it("takes sentences, list items and rows of tables apart, and no code", () => {
    expect(passages.map(({ sentences }) => sentences)).toEqual([
      ["How to keep them sharp.", "Use a stone.", "It takes a minute."],
      ["Soak it for `10 min`.", "Dry it.", "grit: for", "400: chips"],
    ]);
  });

  it("keeps the code in the text, for it is searched too", () => {
    expect(passages[1]?.text).toContain("whet --wet");
  });
});

describe("readPassages", () => {
  it("reads all pages of this repository's docs, each passage under an id of its own", async () => {
    const passages = await readPassages(DOCS_FOLDER);
    const pages = new Set(passages.map(({ page }) => page));
    expect([...pages]).toEqual(expect.arrayContaining(["stores.md", "wrappers.md", "datasets.md", "scoring.md"]));
    expect(passages.length).toBeGreaterThan(pages.size * 2);
    expect(passages.filter(({ text }) => text === "")).toEqual([]);
  });
});
