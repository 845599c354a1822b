import { type ChatMessage, ConfigError, type InteractionStore } from "@whetstone/core";
import { expect, it } from "vitest";
import { collect, dropsOf, interaction, START, storeOf } from "./recorded.fixture.js";
import { buildSftDataset } from "./sft.js";

it("makes a message list of a good answer, with where it came from beside it", async () => {
  const record = interaction({ overall: 0.9, timestamp: START, latencyMs: 250 });
  const rows = await collect(buildSftDataset(await storeOf([record])));
  expect(rows).toEqual([
    {
      messages: [
        { role: "user", content: "What is 2 + 2?" },
        { role: "assistant", content: "4" },
      ],
      metadata: {
        interaction_id: record.interactionId,
        agent_type: "math",
        quality_score: 0.9,
        score_source: "logged",
        latency_ms: 250,
        timestamp: "2026-01-05T12:00:00.000Z",
      },
    },
  ]);
});

it("splits prompt and completion when asked, as messages or as plain strings", async () => {
  const store = await storeOf([interaction({ overall: 1 })]);
  const [row] = await collect(buildSftDataset(store, { mode: "prompt-completion" }));
  expect(row).toMatchObject({
    prompt: [{ role: "user", content: "What is 2 + 2?" }],
    completion: [{ role: "assistant", content: "4" }],
  });
  const [plain] = await collect(buildSftDataset(store, { format: "standard" }));
  expect(plain).toMatchObject({ prompt: "What is 2 + 2?", completion: "4" });
});

it("counts everything it leaves out by reason", async () => {
  const store = await storeOf([
    interaction({ query: "a", overall: 0.9 }),
    interaction({ query: "b", overall: 0.9, errorOccurred: true }),
    interaction({ query: "c" }),
    interaction({ query: "d", overall: 0.79 }),
    interaction({ query: "e", overall: 0.9, flags: ["answer:truncated"] }),
    interaction({ query: "f", overall: 0.9, answer: " \n" }),
    interaction({ query: " ", overall: 0.9 }),
    interaction({ query: "g", overall: 0.9, answer: "4<|im_end|>" }),
    interaction({ query: "a", overall: 0.8, answer: " 4 " }),
  ]);
  const build = buildSftDataset(store);
  expect(await collect(build)).toHaveLength(1);
  expect(dropsOf(build.report)).toEqual({
    error: 1,
    unscored: 1,
    belowMinQuality: 1,
    truncated: 1,
    emptyAnswer: 1,
    noPrompt: 1,
    controlTokens: 1,
    duplicateAnswer: 1,
  });
  expect(build.report).toMatchObject({ rows: 1, considered: 9, used: 1, unused: 0, scoreSources: { logged: 1 } });
});

it("lets the effective score decide, and names its source", async () => {
  const [wrong, right] = [interaction({ query: "a", overall: 0.9 }), interaction({ query: "b", overall: 0.1 })];
  const said = (interactionId: string, overall: number) => ({
    interactionId,
    kind: "score" as const,
    source: "verifier:math",
    at: START,
    scores: { overall },
  });
  const store = await storeOf([wrong, right], [said(wrong.interactionId, 0), said(right.interactionId, 1)]);
  const build = buildSftDataset(store);
  const rows = await collect(build);
  expect(rows.map(({ metadata }) => metadata)).toMatchObject([
    { interaction_id: right.interactionId, quality_score: 1, score_source: "verifier:math" },
  ]);
  expect(build.report.scoreSources).toEqual({ "verifier:math": 1 });
});

const trajectory: ChatMessage[] = [
  { role: "system", content: "Use the calculator." },
  { role: "user", content: "12 * 12?" },
  {
    role: "assistant",
    content: "",
    tool_calls: [{ id: "c1", type: "function", function: { name: "calculate", arguments: { text: "12 * 12" } } }],
  },
  { role: "tool", content: "144", tool_call_id: "c1" },
  { role: "assistant", content: "It is 144." },
];
const tools = [{ type: "function" as const, function: { name: "calculate" } }];

it("keeps a whole trajectory, and gives every row a tools column when one interaction has tools", async () => {
  const store = await storeOf([
    interaction({ query: "12 * 12?", answer: "It is 144.", messages: trajectory, tools, overall: 1 }),
    interaction({ query: "plain", overall: 1 }),
  ]);
  const rows = await collect(buildSftDataset(store));
  expect(rows[0]).toMatchObject({ messages: trajectory, tools });
  expect(rows[1]).toHaveProperty("tools", null);
  expect(rows.map((row) => Object.keys(row))).toEqual([
    ["messages", "tools", "metadata"],
    ["messages", "tools", "metadata"],
  ]);
});

it("ends a trajectory with its answer, whatever was said afterwards", async () => {
  const thanked: ChatMessage[] = [...trajectory, { role: "user", content: "Thanks!" }];
  const history = trajectory.slice(0, 4);
  const store = await storeOf([
    interaction({ answer: "It is 144.", messages: thanked, overall: 1 }),
    interaction({ answer: "It is 144.", messages: history, overall: 1 }),
  ]);
  const rows = await collect(buildSftDataset(store, { mode: "messages" }));
  // The second one was logged without its answer among the messages.
  expect(rows).toMatchObject([{ messages: trajectory }, { messages: trajectory }]);
});

it("leaves conversations out of plain strings, and says so", async () => {
  const build = buildSftDataset(
    await storeOf([interaction({ messages: trajectory, tools, overall: 1 }), interaction({ overall: 1 })]),
    { format: "standard" },
  );
  const rows = await collect(build);
  expect(rows.map((row) => Object.keys(row))).toEqual([["prompt", "completion", "metadata"]]);
  expect(dropsOf(build.report)).toEqual({ notPlainText: 1 });
});

it("keeps control tokens when told to", async () => {
  const store = await storeOf([interaction({ answer: "Write </s> at the end.", overall: 1 })]);
  expect(await collect(buildSftDataset(store, { controlTokens: "keep" }))).toHaveLength(1);
});

it("takes the newest when there is a limit, in time order, and makes up for those that do not fit", async () => {
  const records = Array.from({ length: 9 }, (_, i) => interaction({ query: `q${i}`, answer: `${i}`, overall: 1 }));
  const bad = interaction({ query: "bad", answer: "", overall: 1 });
  const build = buildSftDataset(await storeOf([...records, bad]), { maxSamples: 3 });
  const ids = (await collect(build)).map(({ metadata }) => metadata.interaction_id);
  const idOf = (i: number) => records[i]?.interactionId;
  expect(ids).toEqual([idOf(7), idOf(8), idOf(6)]);
  expect(build.report).toMatchObject({ rows: 3, considered: 10, used: 3, unused: 6 });
});

it("looks at the last days and at the agents asked for only", async () => {
  const day = 86_400_000;
  const store = await storeOf([
    interaction({ query: "old", timestamp: START - 10 * day, overall: 1 }),
    interaction({ query: "other", agentType: "code", timestamp: START, overall: 1 }),
    interaction({ query: "new", timestamp: START, overall: 1 }),
  ]);
  const build = buildSftDataset(store, { daysBack: 7, now: START + day, agentTypes: ["math"] });
  expect(await collect(build)).toMatchObject([{ messages: [{ content: "new" }, {}] }]);
  expect(build.report.considered).toBe(1);
});

it("leaves out what was deleted between choosing and reading", async () => {
  const records = Array.from({ length: 40 }, (_, i) => interaction({ query: `q${i}`, overall: 1 }));
  const store = await storeOf(records);
  const gone = new Set([3, 4, 17, 39]);
  const forgetful: InteractionStore = {
    ...store,
    fetch: (refs) => store.fetch(Array.from(refs).filter((ref) => !gone.has(ref))),
  };
  const build = buildSftDataset(forgetful);
  expect(await collect(build)).toHaveLength(36);
  expect(dropsOf(build.report)).toEqual({ unreadable: 4 });
});

it("frees the store when the reader leaves early, and is read only once", async () => {
  const store = await storeOf(Array.from({ length: 10 }, (_, i) => interaction({ query: `q${i}`, overall: 1 })));
  const build = buildSftDataset(store);
  for await (const row of build) {
    expect(row).toBeDefined();
    break;
  }
  expect((await build.next()).done).toBe(true);
  expect(() => build.lines()).toThrow(/call the builder again/);
});

it("passes a store's failure on and stops when aborted", async () => {
  const store = await storeOf([interaction({ overall: 1 })]);
  await store.close();
  await expect(collect(buildSftDataset(store))).rejects.toMatchObject({ code: "STORE_CLOSED" });
  const open = await storeOf([interaction({ overall: 1 })]);
  await expect(collect(buildSftDataset(open).lines(AbortSignal.abort()))).rejects.toThrow(/abort/);
});

it.each([
  [{ minQuality: 1.5 }, /minQuality is 1.5: use a number from 0 to 1/],
  [{ minQuality: Number.NaN }, /minQuality is NaN/],
  [{ maxSamples: 0 }, /maxSamples is 0: use a whole number from 1 on/],
  [{ daysBack: -1 }, /daysBack is -1/],
  [{ agentTypes: [] }, /agentTypes is \[\]: name at least one/],
  [{ mode: "chat" as "messages" }, /mode is "chat": use "messages" or "prompt-completion"/],
  [{ format: "xml" as "standard" }, /format is "xml"/],
  [{ controlTokens: "maybe" as "keep" }, /controlTokens is "maybe"/],
  [{ mode: "messages" as const, format: "standard" as const }, /needs message lists/],
])("refuses wrong options at once: %j", async (options, message) => {
  const store = await storeOf([]);
  expect(() => buildSftDataset(store, options)).toThrow(ConfigError);
  expect(() => buildSftDataset(store, options)).toThrow(message);
});
