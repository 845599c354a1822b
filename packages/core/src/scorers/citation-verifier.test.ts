import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.js";
import type { Source } from "../interaction.js";
import { interaction } from "../testing/interaction.js";
import { type CitationVerifierOptions, citationVerifier } from "./citation-verifier.js";

const SOURCES: readonly Source[] = [
  {
    id: "doc-1",
    title: "Bern",
    url: "https://www.example.org/bern/",
    text: "Bern was founded in 1191 by Berthold V. The Aare flows around the old city of Bern.",
  },
  {
    id: "doc-2",
    title: "Zurich",
    url: "https://example.org/zurich",
    text: "Zurich is the largest city of Switzerland, with about 440,000 inhabitants.",
  },
];

async function verify(
  answer: string,
  sources: readonly Source[] | undefined = SOURCES,
  options: CitationVerifierOptions = {},
) {
  return citationVerifier(options)(
    interaction({ agentType: "rag", answer, ...(sources && { sources: [...sources] }) }),
    {},
  );
}

const overall = async (...given: Parameters<typeof verify>) => (await verify(...given))?.scores.overall;

describe("citationVerifier", () => {
  it("speaks as verifier:citations and says what is missing", async () => {
    expect(citationVerifier().source).toBe("verifier:citations");
    expect(
      await verify(
        "Bern was founded in 1191 [1]. Zurich is the largest city of Switzerland. Geneva is the largest canton of all [7].",
      ),
    ).toEqual({
      scores: { overall: 1 / 3, citations: 0.5, quotes: 1, coverage: 1 / 3 },
      rationale: "1 of 3 claims have a source; no source is called 7",
    });
  });

  it.each([
    "Bern was founded in 1191 [1].",
    "Bern was founded in 1191. [1]",
    "Bern was founded in 1191 [doc-1].",
    "Bern was founded in 1191 [^1].",
    "Bern was founded in 1191 【1†L2-L3】.",
    "Bern was founded in 1191 [source 1].",
    "Bern was founded in 1191 [Bern].",
    "Bern was founded in 1191 ([guide](http://example.org/bern#history)).",
    "Bern (1191) and Zurich, the largest city of Switzerland, are old [1, 2].",
    "Bern (1191) and Zurich, the largest city of Switzerland, are old [1-2].",
    'The guide says "the Aare flows ... the old city of Bern" [1].',
    "- Bern was founded in 1191 [1]\n- Zurich is the largest city [2]\n\n## Sources\n[1]: https://example.org/bern",
    "Bern was founded by e.g. Berthold V. in 1191 [1]. What else would you like to know?",
  ])("finds nothing wrong with %j", async (answer) => {
    expect(await verify(answer)).toMatchObject({ scores: { overall: 1, citations: 1, quotes: 1, coverage: 1 } });
  });

  it.each([
    ["a number without a source", "Bern was founded in 1191 [1][3].", { citations: 0.5 }],
    ["an id that was made up", "Bern was founded in 1191 [doc-1, doc-9].", { citations: 0.5 }],
    [
      "a URL that was made up",
      "Bern was founded in 1191 [guide](https://example.org/rome).",
      { citations: 0, coverage: 0 },
    ],
    ["a quotation that no source holds", 'The guide says "the Rhine flows around the city" [1].', { quotes: 0 }],
    ["a quotation in another order", 'The guide says "the old city of Bern … founded in 1191" [1].', { quotes: 0 }],
    [
      "a claim without a citation",
      "Bern was founded in 1191. The Aare flows around the old city [1].",
      { coverage: 0.5 },
    ],
    ["a source that says something else", "Paris became the capital of France under Hugh Capet [1].", { coverage: 0 }],
    ["another number than the source's", "1234 5678 9012 [1].", { coverage: 0 }],
  ])("sees %s", async (_, answer, scores) => {
    const score = await verify(answer);
    expect(score?.scores).toMatchObject(scores);
    expect(score?.scores.overall).toBe(Math.min(...Object.values(scores)));
  });

  it("takes numbers for ids where the ids are numbers", async () => {
    const sources = [{ id: "17", text: "Bern was founded in 1191." }];
    expect(await overall("Bern was founded in 1191 [17].", sources)).toBe(1);
    expect(await overall("Bern was founded in 1191 [1].", sources)).toBe(0);
  });

  it("leaves brackets alone that are no citations", async () => {
    expect(await verify("It was founded [sic] in 1191 by Berthold, see the Bern guide [1].")).toMatchObject({
      scores: { citations: 1 },
    });
  });

  it("asks for a citation only where the sources have no text, or no overlap is wanted", async () => {
    expect(await overall("Paris became the capital of France [1].", [{ id: "a" }])).toBe(1);
    expect(await overall("Paris became the capital of France [1].", SOURCES, { minOverlap: 0 })).toBe(1);
  });

  it("cannot say without sources, and where nothing is stated", async () => {
    const bare = interaction({ answer: "Bern was founded in 1191 [1]." });
    expect(await citationVerifier()(bare, {})).toBeNull();
    expect(await overall("Bern was founded in 1191 [1].", [])).toBe(0);
    expect(await verify("What do you mean?")).toBeNull();
  });

  it.each(["Yes [1].", "苏黎世是瑞士最大的城市 [1]。", "Gladly [doc-1]!"])(
    "says nothing good of %j, which claims nothing",
    async (answer) => {
      expect(await verify(answer)).toBeNull();
      expect((await verify(answer.replace(/1]/, "7]")))?.scores.overall).toBe(0);
    },
  );

  it.each(["", " ", ":", "Solution", "```\n```", "[1]", "[1], [2-3]", "Answer: [doc-1]"])(
    "never scores %j above 0",
    async (answer) => {
      expect((await overall(answer)) ?? 0).toBe(0);
    },
  );

  it("takes time in proportion to the answer", async () => {
    for (const text of ["[", '"', "[1](", "a. ", "[[".repeat(3), "“", " \t"]) {
      expect((await overall(text.repeat(30_000))) ?? 0).toBeLessThanOrEqual(1);
    }
  });

  it("refuses an overlap that is no share", () => {
    expect(() => citationVerifier({ minOverlap: 2 })).toThrow(ConfigError);
  });
});
