import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Annotation, ChatMessage } from "@whetstone/core";
import { describe, expect, it } from "vitest";
import { buildDpoDataset } from "./dpo.js";
import { buildGrpoDataset, buildOnlineGrpoDataset } from "./grpo.js";
import { buildKtoDataset } from "./kto.js";
import { collect, dropsOf, interaction, START, storeOf } from "./recorded.fixture.js";
import { buildRewardDataset } from "./reward.js";
import { buildSftDataset } from "./sft.js";
import { writeDataset } from "./write-dataset.js";

const builders = [
  ["sft", buildSftDataset, {}],
  ["dpo", buildDpoDataset, {}],
  ["reward", buildRewardDataset, {}],
  ["kto", buildKtoDataset, {}],
  ["grpo", buildGrpoDataset, { groupSize: 2 }],
  ["online grpo", buildOnlineGrpoDataset, {}],
] as const;

/** A good and a bad answer to each of `count` prompts, of whoever `who` says. */
const answered = (count: number, who: (prompt: number) => { userId?: string; sessionId?: string } = () => ({})) =>
  Array.from({ length: count }, (_, prompt) =>
    [1, 0].map((overall) =>
      interaction({ query: `question ${prompt}`, answer: `${overall}`, overall, ...who(prompt) }),
    ),
  ).flat();

describe("caps", () => {
  it.each(builders)(
    "%s: a user who writes half of 10,000 interactions stands in no more than maxPerUser",
    async (_, build, options) => {
      const store = await storeOf(
        answered(5000, (prompt) => ({ userId: prompt % 2 === 0 ? "loud" : `user ${prompt}` })),
      );
      const users = new Map<string, number>();
      const building = build(store, { ...options, maxPerUser: 60 });
      for await (const { metadata } of building as AsyncIterable<{ metadata: Record<string, unknown> }>) {
        const { interaction_id, chosen_interaction_id, rejected_interaction_id, interaction_ids } = metadata;
        for (const id of [interaction_id, chosen_interaction_id, rejected_interaction_id, interaction_ids].flat()) {
          const { userId = "" } = (typeof id === "string" && (await store.get(id))) || {};
          if (userId) users.set(userId, (users.get(userId) ?? 0) + 1);
        }
      }
      // Stores hold pseudonyms: the one who stands in most rows is the loud one.
      const [[loud, most] = ["", 0], [, second] = ["", 0]] = [...users].sort(([, a], [, b]) => b - a);
      expect(most).toBe(60);
      expect(second).toBeLessThanOrEqual(2);
      expect(users.size).toBe(2501);
      expect(building.report.drops.overUserCap).toBeGreaterThan(1000);
      expect(building.report.topContributors[0]).toEqual({ userId: loud, interactions: 60 });
      const { considered, used, unused, drops } = building.report;
      expect(used + unused + drops.overUserCap + drops.belowMinQuality).toBe(considered);
    },
  );

  it("hold by default, for users and for sessions, and can be lifted", async () => {
    const store = await storeOf(
      Array.from({ length: 1300 }, (_, i) =>
        interaction({ query: `q${i}`, overall: 1, ...(i < 1100 ? { userId: "u" } : { sessionId: "s" }) }),
      ),
    );
    const capped = buildSftDataset(store);
    expect(await collect(capped)).toHaveLength(1100);
    expect(dropsOf(capped.report)).toEqual({ overUserCap: 100, overSessionCap: 100 });
    expect(await collect(buildSftDataset(store, { maxPerUser: Infinity, maxPerSession: Infinity }))).toHaveLength(1300);
  });

  it("let others of a prompt take the place of who is full", async () => {
    const store = await storeOf(
      ["a", "b", "c"].flatMap((query) => [
        interaction({ query, answer: "best", overall: 1, userId: "loud" }),
        interaction({ query, answer: "good", overall: 0.9, userId: `user ${query}` }),
        interaction({ query, answer: "bad", overall: 0 }),
      ]),
    );
    const build = buildDpoDataset(store, { maxPerUser: 1 });
    expect((await collect(build)).map(({ chosen }) => chosen)).toMatchObject([
      [{ content: "best" }],
      [{ content: "good" }],
      [{ content: "good" }],
    ]);
    expect(dropsOf(build.report)).toEqual({ overUserCap: 2 });
  });
});

const canned = (subject: string) =>
  `I am very sorry, but I am not able to help you with ${subject} today, because our policy does not allow me to do so, ` +
  "and I would kindly ask you to contact our support team during the usual office hours, who will gladly help you further.";

describe("answers that are alike", () => {
  it("SFT and KTO take at most maxSimilarAnswers, whatever was asked, and short ones always", async () => {
    const store = await storeOf([
      ...Array.from({ length: 40 }, (_, i) =>
        interaction({ query: `case ${i}`, answer: canned(`case ${i}`), overall: 1 }),
      ),
      ...Array.from({ length: 40 }, (_, i) => interaction({ query: `yes or no ${i}`, answer: "yes", overall: 1 })),
    ]);
    for (const build of [
      buildSftDataset(store, { maxSimilarAnswers: 5 }),
      buildKtoDataset(store, { maxSimilarAnswers: 5 }),
    ]) {
      expect(await collect<object>(build)).toHaveLength(45);
      expect(dropsOf(build.report)).toEqual({ similarAnswer: 35 });
    }
    expect(await collect(buildSftDataset(store, { maxSimilarAnswers: Infinity }))).toHaveLength(80);
  });

  it("DPO drops pairs whose chosen or rejected answer is like too many others; GRPO keeps repeats", async () => {
    const store = await storeOf(
      Array.from({ length: 30 }, (_, i) => [
        interaction({ query: `case ${i}`, answer: `the right answer to case ${i}`, overall: 1 }),
        interaction({ query: `case ${i}`, answer: canned(`case ${i}`), overall: 0 }),
      ]).flat(),
    );
    const pairs = buildDpoDataset(store, { maxSimilarAnswers: 7 });
    expect(await collect(pairs)).toHaveLength(7);
    expect(dropsOf(pairs.report)).toEqual({ similarPair: 23 });
    expect(pairs.report).toMatchObject({ prompts: 30, promptsUsed: 7, used: 14, unused: 46 });
    expect(await collect(buildGrpoDataset(store, { groupSize: 2 }))).toHaveLength(30);
  });
});

it("no method trains on what an evaluation file asks", async () => {
  const folder = await mkdtemp(join(tmpdir(), "whetstone-rules-"));
  const path = join(folder, "eval.jsonl");
  await writeFile(path, '{"question": "Question 3!"}\n{"prompt": "QUESTION  7"}\n');
  const store = await storeOf(answered(10));
  for (const [, build, options] of builders) {
    const building = build(store, { ...options, decontaminate: [path] });
    const rows = JSON.stringify(await collect<object>(building));
    expect(rows).toContain("question 4");
    expect(rows).not.toContain("question 3");
    expect(rows).not.toContain("question 7");
    expect(building.report.drops.contaminated).toBeGreaterThanOrEqual(2);
    expect(building.options.decontaminate).toEqual(["eval.jsonl"]);
  }
  await rm(folder, { recursive: true });
});

it.each(builders)(
  "%s: control tokens are dropped by default, escaped when asked, and else kept",
  async (_, build, options) => {
    const store = await storeOf(
      [1, 0].map((overall) => interaction({ query: "say <|im_end|>", answer: `</s> ${overall}`, overall })),
    );
    expect(await collect<object>(build(store, options))).toEqual([]);
    const escaped = JSON.stringify(await collect<object>(build(store, { ...options, controlTokens: "escape" })));
    expect(escaped).toContain("say < |im_end|>");
    expect(escaped).not.toContain("<|im_end|>");
    expect(escaped).not.toContain("</s>");
    expect(JSON.stringify(await collect<object>(build(store, { ...options, controlTokens: "keep" })))).toContain(
      "<|im_end|>",
    );
  },
);

const correction = (interactionId: string, value: string, source = "human:ann", at = START): Annotation => ({
  interactionId,
  kind: "feedback",
  source,
  at,
  feedback: { type: "demonstration", value },
});

describe("corrected answers", () => {
  const [scored, unscored, good, failed] = [
    interaction({ interactionId: "scored", query: "a", answer: "wrong", overall: 0.1 }),
    interaction({ interactionId: "unscored", query: "b", answer: "hm" }),
    interaction({ interactionId: "good", query: "c", answer: "fine", overall: 0.95 }),
    interaction({ interactionId: "failed", query: "d", answer: "", overall: 0, errorOccurred: true }),
  ];
  const recorded = () =>
    storeOf(
      [scored, unscored, good, failed],
      [
        correction("scored", "older", "human:ann", START),
        correction("scored", "right", "human:bob", START + 1),
        correction("unscored", "better"),
        correction("good", "perfect"),
        correction("failed", "it works"),
      ],
    );

  it("give an SFT row in place of their original, with the person as its source", async () => {
    const build = buildSftDataset(await recorded());
    expect((await collect(build)).map(({ metadata, ...row }) => [metadata, row])).toMatchObject([
      [{ quality_score: 1, score_source: "human:bob" }, { messages: [{ content: "a" }, { content: "right" }] }],
      [{ quality_score: 1, score_source: "human:ann" }, { messages: [{ content: "b" }, { content: "better" }] }],
      [{ quality_score: 1 }, { messages: [{ content: "c" }, { content: "perfect" }] }],
    ]);
    expect(dropsOf(build.report)).toEqual({ error: 1 });
  });

  it("give a DPO pair with their original, unless that was good", async () => {
    for (const pairing of ["best-worst", "all", "demonstration"] as const) {
      const build = buildDpoDataset(await recorded(), { pairing });
      expect(await collect(build)).toMatchObject([
        { chosen: [{ content: "right" }], rejected: [{ content: "wrong" }], metadata: { quality_diff: 0.9 } },
        {
          chosen: [{ content: "better" }],
          rejected: [{ content: "hm" }],
          metadata: { rejected_score: 0, rejected_score_source: "human:ann" },
        },
      ]);
      expect(dropsOf(build.report)).toEqual({
        error: 1,
        [pairing === "demonstration" ? "noDemonstration" : "singleAnswer"]: 1,
      });
    }
  });

  it("are a wanted row for KTO beside the unwanted original", async () => {
    const build = buildKtoDataset(await recorded());
    const rows = (await collect(build)).map(({ completion, label }) => [
      (completion as ChatMessage[])[0]?.content,
      label,
    ]);
    expect(rows).toEqual([
      ["right", true],
      ["wrong", false],
      ["better", true],
      ["perfect", true],
      ["fine", true],
    ]);
    expect(build.report).toMatchObject({ rows: 5, used: 3 });
  });

  it("are no samples of a policy, so GRPO leaves them alone", async () => {
    const store = await storeOf(
      [
        interaction({ interactionId: "x", query: "a", answer: "0", overall: 0 }),
        interaction({ interactionId: "y", query: "a", answer: "1", overall: 1 }),
      ],
      [correction("x", "corrected")],
    );
    const [row] = await collect(buildGrpoDataset(store, { groupSize: 2 }));
    expect(row?.responses.map(({ text }) => text)).toEqual(["1", "0"]);
  });
});

describe("pairing: all", () => {
  const scores = [1, 0.9, 0.5, 0.1, 0];
  const store = () => storeOf(scores.map((overall, i) => interaction({ query: "a", answer: `answer ${i}`, overall })));

  it("pairs every two answers with a gap, the widest first, up to a cap", async () => {
    const pairsOf = async (maxPairsPerPrompt?: number) => {
      const build = buildDpoDataset(await store(), { pairing: "all", maxPairsPerPrompt });
      const rows = await collect(build);
      return { pairs: rows.map(({ metadata }) => [metadata.chosen_score, metadata.rejected_score]), ...build.report };
    };
    expect((await pairsOf()).pairs).toEqual([
      [1, 0],
      [1, 0.1],
      [0.9, 0],
      [0.9, 0.1],
    ]);
    expect(await pairsOf()).toMatchObject({ rows: 4, used: 4, unused: 1, prompts: 1, promptsUsed: 1 });
    const every = scores.flatMap((a) => scores.filter((b) => a - b >= 0.2 - 1e-9).map((b) => [a, b]));
    const { pairs } = await pairsOf(100);
    expect(pairs).toHaveLength(every.length);
    expect(pairs).toEqual(expect.arrayContaining(every));
  });

  it("makes no pair twice of answers with the same text, and keeps the limit", async () => {
    const twins = await storeOf(
      [1, 1, 0, 0].map((overall, i) => interaction({ query: "a", answer: i < 2 ? "right" : "wrong", overall })),
    );
    expect(await collect(buildDpoDataset(twins, { pairing: "all" }))).toHaveLength(1);
    const build = buildDpoDataset(await store(), { pairing: "all", maxPairs: 3 });
    expect(await collect(build)).toHaveLength(3);
  });
});

describe("reward pairs", () => {
  it("are DPO pairs with the gap of the scores as their margin", async () => {
    const store = await storeOf(answered(3));
    const [pairs, rewarded] = [await collect(buildDpoDataset(store)), await collect(buildRewardDataset(store))];
    expect(rewarded).toEqual(pairs.map((pair) => ({ ...pair, margin: pair.metadata.quality_diff })));
    expect(rewarded).toHaveLength(3);
  });
});

describe("KTO", () => {
  it("marks answers as wanted or not, and leaves out what lies between", async () => {
    const store = await storeOf(
      [0, 0.5, 0.6, 0.8, 1].map((overall, i) => interaction({ query: `q${i}`, answer: `${overall}`, overall })),
    );
    const build = buildKtoDataset(store);
    expect((await collect(build)).map(({ label, metadata }) => [metadata.quality_score, label])).toEqual([
      [0, false],
      [0.5, false],
      [0.8, true],
      [1, true],
    ]);
    expect(dropsOf(build.report)).toEqual({ betweenLabels: 1 });
    expect(() => buildKtoDataset(store, { maxQuality: 0.9 })).toThrow(
      /maxQuality is 0.9 and minQuality 0.8: no answer/,
    );
  });

  it("writes strings for base models, and tools where there are some", async () => {
    const store = await storeOf([
      interaction({ overall: 1, tools: [{ type: "function", function: { name: "add" } }] }),
    ]);
    const [plain] = await collect(buildKtoDataset(store, { format: "standard" }));
    expect(plain).toMatchObject({ prompt: "What is 2 + 2?", completion: "4", label: true });
    const [row] = await collect(buildKtoDataset(store));
    expect(Object.keys(row ?? {})).toEqual(["prompt", "completion", "label", "tools", "metadata"]);
  });
});

const turns = (...contents: string[]): ChatMessage[] =>
  contents.map((content, i) => ({ role: i === 0 ? "system" : i % 2 === 1 ? "user" : "assistant", content }));

describe("GRPO by task", () => {
  const attempt = (groupId: string, overall: number, messages?: ChatMessage[]) =>
    interaction({
      groupId,
      overall,
      query: messages?.findLast(({ role }) => role === "user")?.content ?? `task ${groupId}`,
      answer: messages?.at(-1)?.content ?? `answer ${overall}`,
      ...(messages && { messages }),
    });

  it("groups attempts whose histories differ under the turns they share", async () => {
    const store = await storeOf([
      attempt("t", 1, turns("Be kind.", "Hi", "What is it?", "Add 2 and 2", "4")),
      attempt("t", 0, turns("Be kind.", "Hi", "Yes?", "Add two and two", "5")),
    ]);
    const [row] = await collect(buildGrpoDataset(store, { groupSize: 2 }));
    expect(row).toMatchObject({
      prompt: turns("Be kind.", "Hi"),
      responses: [
        { text: "4", reward: 1, messages: [{ content: "What is it?" }, { content: "Add 2 and 2" }, { content: "4" }] },
        { text: "5", reward: 0, messages: [{ content: "Yes?" }, { content: "Add two and two" }, { content: "5" }] },
      ],
      metadata: { group_id: "t" },
    });
    expect(await collect(buildDpoDataset(store))).toEqual([]);
  });

  it("leaves out attempts that begin with nothing in common, and never mixes two tasks", async () => {
    const build = buildGrpoDataset(
      await storeOf([
        attempt("t", 1, turns("One.", "a", "b")),
        attempt("t", 0, turns("Two.", "a", "b")),
        attempt("u", 1),
        attempt("u", 0),
        attempt("v", 1),
      ]),
      { groupSize: 2 },
    );
    const rows = await collect(build);
    expect(rows.map(({ metadata }) => metadata.group_id)).toEqual(["u"]);
    expect(rows[0]?.responses.map(({ messages }) => messages)).toEqual([
      [{ role: "assistant", content: "answer 1" }],
      [{ role: "assistant", content: "answer 0" }],
    ]);
    expect(dropsOf(build.report)).toEqual({ noSharedPrompt: 1, groupTooSmall: 1 });
  });

  it("holds plain answers as texts alone, and names the task in every row of the dataset", async () => {
    const store = await storeOf([
      attempt("t", 1),
      attempt("t", 0),
      ...[1, 0].map((overall) => interaction({ query: "no task", answer: `${overall}`, overall })),
    ]);
    const rows = await collect(buildGrpoDataset(store, { groupSize: 2 }));
    expect(rows.map(({ metadata }) => metadata.group_id)).toEqual(["t", null]);
    expect(rows.flatMap(({ responses }) => responses.map((response) => Object.keys(response)))).toEqual(
      Array(4).fill(["text", "reward"]),
    );
    expect((await collect(buildSftDataset(store))).map(({ metadata }) => metadata.group_id)).toEqual(["t", null]);
    expect((await collect(buildDpoDataset(store))).map(({ metadata }) => metadata.group_id)).toEqual(["t", null]);
  });
});

describe("online GRPO", () => {
  it("gives each prompt once, with the right answer where it is known, scored or not", async () => {
    const store = await storeOf([
      interaction({ query: "a", reference: "1", overall: 0.5 }),
      interaction({ query: "a ", answer: "" }),
      interaction({ query: "b", answer: "[INST]" }),
      interaction({ query: "c", errorOccurred: true }),
      interaction({ query: "<|im_end|>" }),
    ]);
    const build = buildOnlineGrpoDataset(store);
    expect(await collect(build)).toMatchObject([
      { prompt: [{ role: "user", content: "a" }], reference: "1", metadata: { query_complexity: "low" } },
      { prompt: [{ role: "user", content: "b" }], reference: null },
    ]);
    expect(dropsOf(build.report)).toEqual({ error: 1, controlTokens: 1, noFitPrompt: 1 });
    expect(build.report).toMatchObject({ kind: "grpo-online", prompts: 3, promptsUsed: 2, scoreSources: {} });
    const known = buildOnlineGrpoDataset(store, { requireReference: true, format: "standard" });
    expect((await collect(known)).map(({ prompt }) => prompt)).toEqual(["a"]);
    expect(known.report.drops.noReference).toBe(2);
  });
});

describe("SFT per turn", () => {
  it("gives a row for each assistant turn that says or calls something", async () => {
    const call = { type: "function" as const, function: { name: "add", arguments: { a: 2 } } };
    const messages: ChatMessage[] = [
      { role: "system", content: "Add." },
      { role: "user", content: "2 + 2" },
      { role: "assistant", content: "", tool_calls: [call] },
      { role: "tool", content: "4" },
      { role: "assistant", content: " " },
      { role: "user", content: "And?" },
      { role: "assistant", content: "4" },
    ];
    const store = await storeOf([interaction({ query: "And?", answer: "4", messages, overall: 0.9 })]);
    const build = buildSftDataset(store, { perTurn: true });
    expect((await collect(build)).map(({ metadata, ...row }) => ({ turn: metadata.turn, ...row }))).toEqual([
      { turn: 0, prompt: messages.slice(0, 2), completion: [messages[2]] },
      { turn: 2, prompt: messages.slice(0, 6), completion: [messages[6]] },
    ]);
    expect(build.report).toMatchObject({ rows: 2, used: 1 });
    expect(() => buildSftDataset(store, { perTurn: true, mode: "messages" })).toThrow(
      /leave mode "messages" or perTurn/,
    );
    expect(() => buildSftDataset(store, { perTurn: true, format: "standard" })).toThrow(/leave format "standard" or/);
  });
});

it.each(builders)(
  "%s: the same store and options give the same bytes, split and manifest included",
  async (_, build, options) => {
    const folder = await mkdtemp(join(tmpdir(), "whetstone-same-"));
    const store = await storeOf(
      answered(60, (prompt) => ({ userId: `user ${prompt % 7}`, sessionId: `s${prompt % 9}` })),
    );
    const files = ["README.md", "manifest.json", "test.jsonl", "train.jsonl"];
    const written = async (name: string) => {
      await writeDataset(build(store, options) as AsyncIterable<object>, join(folder, name), { testShare: 0.3 });
      return Promise.all(files.map((file) => readFile(join(folder, name, file), "utf8")));
    };
    const [card, manifest] = await written("one");
    expect(await written("two")).toEqual(await written("one again"));
    expect(card).toContain("dtype: json");
    const { drops, top_contributors, rows } = JSON.parse(manifest ?? "");
    expect(rows).toBeGreaterThan(20);
    expect(Object.keys(drops)).toEqual(expect.arrayContaining(["over_user_cap", "contaminated", "similar_answer"]));
    expect(top_contributors).toHaveLength(5);
    await rm(folder, { recursive: true });
  },
);
