import { createInteractionLogger, memoryStore, type StoredInteraction, scoreInteractions } from "@whetstone/core";
import { fakeOpenAiServer } from "@whetstone/core/testing";
import { buildDpoDataset } from "@whetstone/datasets";
import OpenAI from "openai";
import { beforeAll, describe, expect, it } from "vitest";
import { citationsVerifier } from "./citations-verifier.js";
import { NO_ANSWER } from "./compose-answer.js";
import { DOCS_FOLDER, type Passage, readPassages } from "./passages.js";
import { questions } from "./questions.js";
import { createRagAgent } from "./rag-agent.js";
import { type Answer, liveVariant, offlineVariants, type RagAnswer } from "./rag-answer.js";

let passages: readonly Passage[];
let variants: ReturnType<typeof offlineVariants>;
beforeAll(async () => {
  passages = await readPassages(DOCS_FOLDER);
  variants = offlineVariants(passages);
});

const OFF = "How do I turn recording off?";

describe("offline", () => {
  it("answers with sentences of the pages and cites each", async () => {
    const { answer, sources, retrievalMethod, citationQuality } = await variants.cited(OFF);
    expect(answer).toMatch(/^`WHETSTONE_DISABLED=1` turns .* off[^.]* \[1\]\./);
    expect(sources[0]).toEqual({
      id: expect.stringMatching(/^[\w-]+\.md#[\w-]+$/),
      url: `docs/${sources[0]?.id}`,
      title: expect.stringMatching(/./),
      text: expect.stringContaining("WHETSTONE_DISABLED=1"),
      score: expect.any(Number),
    });
    expect([retrievalMethod, citationQuality]).toEqual(["hybrid", 1]);
  });

  it("answers most of our questions with what they should name", async () => {
    const right: string[] = [];
    for (const { question, mentions } of questions) {
      const { answer, citationQuality } = await variants.cited(question);
      if (mentions.test(answer)) right.push(question);
      if (answer !== NO_ANSWER) expect(citationQuality).toBe(1);
    }
    console.log(`${right.length} of ${questions.length} answers name what they should`);
    expect(right.length).toBeGreaterThanOrEqual(questions.length * 0.75);
  });

  it("says the same without citations, where it is told to, and knows that this is worth less", async () => {
    const [cited, uncited] = [await variants.cited(OFF), await variants.uncited(OFF)];
    expect(uncited.answer).toBe(cited.answer.replace(/ \[\d\]/g, ""));
    expect(uncited.citationQuality).toBe(0);
    expect(uncited.sources).toEqual(cited.sources);
  });

  it.each(["What is the capital of France?", "How do I bake bread with a sourdough starter?", "?"])(
    "has no answer to %j",
    async (question) => {
      for (const answer of Object.values(variants)) {
        expect(await answer(question)).toMatchObject({ answer: NO_ANSWER, citationQuality: null });
      }
    },
  );
});

async function recorded(question: string, answers: Readonly<Record<string, Answer>>) {
  const store = memoryStore();
  const logger = createInteractionLogger({ store });
  const outcomes: unknown[] = [];
  for (const [variant, answer] of Object.entries(answers)) {
    outcomes.push(
      await createRagAgent(logger, variant, answer)
        .ask(question)
        .catch((error: unknown) => error),
    );
  }
  await logger.close();
  const records: StoredInteraction[] = [];
  for await (const batch of store.query()) records.push(...batch);
  return { store, records, outcomes };
}

describe("a recorded rag agent", () => {
  it("leaves sources, retrieval method and citation quality in the record, without a describe of its own", async () => {
    const { records } = await recorded(OFF, { cited: variants.cited, plain: variants.plain });
    expect(records).toMatchObject([
      { variant: "cited", agentType: "rag", query: OFF, retrievalMethod: "hybrid", metadata: { citationQuality: 1 } },
      { variant: "plain", agentType: "rag", query: OFF, retrievalMethod: "bm25", metadata: { citationQuality: 0 } },
    ]);
    const [{ sources = [], messages = [], answer } = {}] = records as [StoredInteraction];
    expect(sources).toHaveLength(4);
    for (const source of sources) expect(Object.keys(source).sort()).toEqual(["id", "score", "text", "title", "url"]);
    expect(messages.map(({ role }) => role)).toEqual(["system", "user", "assistant"]);
    expect(messages[1]?.content).toContain(`[1] ${sources[0]?.title}\n`);
    expect(messages[2]?.content).toBe(answer);
  });

  it("becomes a pair: cited over uncited, where both read the same sources", async () => {
    const { store, records } = await recorded(OFF, variants);
    const { scored } = await scoreInteractions(store, citationsVerifier);
    expect(scored).toBe(3);
    const pairs: unknown[] = [];
    for await (const row of buildDpoDataset(store)) pairs.push(row);
    expect(pairs).toMatchObject([
      { chosen: [{ content: records[0]?.answer }], rejected: [{ content: records[1]?.answer }] },
    ]);
  });

  it("stays unscored where it had no answer", async () => {
    const { store } = await recorded("What is the capital of France?", { cited: variants.cited });
    expect(await scoreInteractions(store, citationsVerifier)).toMatchObject({ scored: 0, unscored: 1 });
  });
});

describe("liveVariant", () => {
  const liveOn = (baseURL: string) =>
    liveVariant(passages, new OpenAI({ baseURL, apiKey: "test-key", maxRetries: 0 }), "tiny");

  it("lets the model read the numbered sources, and measures its citations against them", async () => {
    await using server = await fakeOpenAiServer(
      () => "WHETSTONE_DISABLED=1 turns the logger off [1]. Bananas grow in bunches [2].",
    );
    const { records, outcomes } = await recorded(OFF, { tiny: liveOn(server.baseURL) });
    expect(records).toMatchObject([
      {
        variant: "tiny",
        model: "tiny",
        usage: { inputTokens: 10, outputTokens: 5 },
        retrievalMethod: "hybrid",
        metadata: { citationQuality: 0.5 },
        sources: [{ text: expect.stringContaining("WHETSTONE_DISABLED=1") }, {}, {}, {}],
      },
    ]);
    expect(server.requests[0]?.body.messages).toEqual((outcomes[0] as RagAnswer).messages.slice(0, 2));
    expect(JSON.stringify(server.requests[0]?.body.messages)).toContain("WHETSTONE_DISABLED=1");
  });

  it("hands the client's own error to the caller, and records it", async () => {
    await using server = await fakeOpenAiServer(() => ({ status: 401 }));
    const { records, outcomes } = await recorded(OFF, { tiny: liveOn(server.baseURL) });
    expect(outcomes[0]).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(records).toMatchObject([{ errorOccurred: true, query: OFF, answer: "" }]);
  });
});
