import { ConfigError } from "@whetstone/core";
import { expect, it } from "vitest";
import { buildGrpoDataset } from "./grpo.js";
import { collect, dropsOf, interaction, START, storeOf } from "./recorded.fixture.js";

const answers = (query: string, scores: readonly number[]) =>
  scores.map((overall, i) => interaction({ query, answer: `answer ${i}`, overall, timestamp: START + i }));

it("makes one group of exactly groupSize answers a prompt, the best first", async () => {
  const records = answers("2 + 2", [0, 0.5, 1, 0.5]);
  const build = buildGrpoDataset(await storeOf(records));
  const rows = await collect(build);
  expect(rows).toEqual([
    {
      prompt: [{ role: "user", content: "2 + 2" }],
      responses: [
        { text: "answer 2", reward: 1 },
        { text: "answer 3", reward: 0.5 },
        { text: "answer 1", reward: 0.5 },
        { text: "answer 0", reward: 0 },
      ],
      metadata: {
        query_complexity: "low",
        agent_type: "math",
        group_size: 4,
        reward_mean: 0.5,
        reward_std: Math.sqrt(0.125),
        reward_min: 0,
        reward_max: 1,
        interaction_ids: [2, 3, 1, 0].map((i) => records[i]?.interactionId),
        score_sources: ["logged", "logged", "logged", "logged"],
        latencies_ms: [12, 12, 12, 12],
        timestamps: [2, 3, 1, 0].map((i) => new Date(START + i).toISOString()),
      },
    },
  ]);
  expect(build.report).toMatchObject({ rows: 1, considered: 4, used: 4, unused: 0, prompts: 1 });
});

it("leaves out groups that are too small or teach nothing", async () => {
  const build = buildGrpoDataset(
    await storeOf([
      ...answers("few", [0, 1, 1]),
      ...answers("all right", [1, 1, 1, 1, 1]),
      ...answers("mixed", [1, 0, 1, 1]),
    ]),
  );
  expect(await collect(build)).toHaveLength(1);
  expect(dropsOf(build.report)).toEqual({ groupTooSmall: 1, zeroVariance: 1 });
  expect(build.report).toMatchObject({ considered: 12, used: 4, unused: 8, prompts: 3 });
});

it("takes the best, the worst and evenly spaced ones between them when there are more", async () => {
  const store = await storeOf(answers("many", [0.1, 0.9, 0.3, 0.5, 0.2, 0.8, 0.4]));
  const [row] = await collect(buildGrpoDataset(store, { groupSize: 3 }));
  expect(row?.responses.map(({ reward }) => reward)).toEqual([0.9, 0.4, 0.1]);
});

it("keeps repeated answers, for they are samples of a policy, but no empty or tool-calling ones", async () => {
  const call = { type: "function" as const, function: { name: "look", arguments: {} } };
  const build = buildGrpoDataset(
    await storeOf([
      interaction({ answer: "same", overall: 1 }),
      interaction({ answer: "same", overall: 1 }),
      interaction({ answer: "other", overall: 0.5 }),
      interaction({ answer: "", overall: 0 }),
      interaction({
        answer: "let me look",
        overall: 0,
        messages: [
          { role: "user", content: "What is 2 + 2?" },
          { role: "assistant", content: "let me look", tool_calls: [call] },
        ],
      }),
    ]),
    { groupSize: 3 },
  );
  const [row] = await collect(build);
  expect(row?.responses.map(({ text }) => text)).toEqual(["same", "same", "other"]);
  expect(dropsOf(build.report)).toEqual({ emptyAnswer: 1, notPlainText: 1 });
});

it("keeps the prompts answered last when there is a limit", async () => {
  const store = await storeOf(
    ["a", "b", "c"].flatMap((query, i) =>
      answers(query, [0, 1]).map((record) => ({ ...record, timestamp: START + 10 * i })),
    ),
  );
  const build = buildGrpoDataset(store, { groupSize: 2, maxGroups: 1, format: "standard" });
  expect((await collect(build)).map(({ prompt }) => prompt)).toEqual(["c"]);
  expect(dropsOf(build.report)).toEqual({ overLimit: 2 });
});

it.each([
  [{ groupSize: 1 }, /groupSize is 1: use a whole number from 2 to 1024/],
  [{ groupSize: Infinity }, /groupSize is Infinity/],
  [{ maxGroups: -1 }, /maxGroups is -1/],
])("refuses wrong options at once: %j", async (options, message) => {
  const store = await storeOf([]);
  expect(() => buildGrpoDataset(store, options)).toThrow(ConfigError);
  expect(() => buildGrpoDataset(store, options)).toThrow(message);
});
