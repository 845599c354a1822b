// Writes what loaders have to accept: `node build-loader-datasets.mjs FOLDER` makes a folder and a single file of every
// method, and one dataset of 30 MB whose later rows look different from its first.
import { join } from "node:path";

const built = (name) => import(new URL(`../../${name}/dist/index.js`, import.meta.url).href);
const [, , folder] = process.argv;
const { memoryStore } = await built("core");
const datasets = await built("datasets");

const START = Date.UTC(2026, 0, 1);
const day = (i) => new Date(START + i * 86_400_000).toISOString().slice(0, 10);
const tools = [
  {
    type: "function",
    function: { name: "calendar", description: "Looks a day up.", parameters: { type: "object", properties: {} } },
  },
];

/** Questions and answers that look like dates, numbers and JSON; every third is a trajectory with a tool call. */
function interaction(i, rank) {
  const query = `Event a${i}, b${i} or c${i}: what comes after ${day(i)}?`;
  const answer = [i % 2 ? day(i + 1) : `Day ${i}.`, `It is ${day(i + 1)} \u2028– "é" 🙂`, `${i}`, `{"day": ${i}}`][
    rank
  ];
  const call = {
    id: `c${i}`,
    type: "function",
    function: { name: "calendar", arguments: { day: day(i), step: rank } },
  };
  const trajectory = [
    { role: "system", content: "You know the calendar." },
    { role: "user", content: query },
    { role: "assistant", content: "", tool_calls: [call] },
    { role: "tool", content: day(i + 1), tool_call_id: `c${i}` },
    { role: "assistant", content: answer },
  ];
  return {
    interactionId: `i-${i}-${rank}`,
    timestamp: START + 1000 * i + rank,
    query,
    answer,
    agentType: "calendar",
    qualityScores: { overall: [1, 0.75, 0.25, 0][rank] },
    latencyMs: rank === 0 ? 12 : 12.5,
    toolsUsed: [],
    errorOccurred: false,
    reference: `Day ${i}`,
    ...(i % 3 === 2 && { messages: trajectory, tools, groupId: `task-${i}` }),
  };
}

const store = memoryStore();
const dates = memoryStore();
for (let i = 0; i < 30; i += 1) {
  const attempts = [0, 1, 2, 3].map((rank) => interaction(i, rank));
  await store.append(attempts);
  // Prompts and answers that are nothing but dates.
  const bare = [0, 3].map((rank) => ({
    ...interaction(i, rank),
    query: day(i),
    answer: day(i + 1 + rank),
    reference: day(i + 1),
  }));
  if (i % 3 < 2) await dates.append(bare);
}
const good = { minQuality: 0.7 };
const builds = {
  sft: () => datasets.buildSftDataset(store, good),
  "sft-completion": () => datasets.buildSftDataset(store, { ...good, mode: "prompt-completion" }),
  "sft-turns": () => datasets.buildSftDataset(store, { ...good, perTurn: true }),
  "sft-standard": () => datasets.buildSftDataset(store, { ...good, mode: "prompt-completion", format: "standard" }),
  "sft-dates": () => datasets.buildSftDataset(dates, { ...good, mode: "prompt-completion", format: "standard" }),
  dpo: () => datasets.buildDpoDataset(store),
  "dpo-standard": () => datasets.buildDpoDataset(store, { format: "standard" }),
  "dpo-dates": () => datasets.buildDpoDataset(dates, { format: "standard" }),
  reward: () => datasets.buildRewardDataset(store),
  kto: () => datasets.buildKtoDataset(store, { ...good, maxQuality: 0.3 }),
  grpo: () => datasets.buildGrpoDataset(store),
  "grpo-online": () => datasets.buildOnlineGrpoDataset(store),
  "kto-dates": () => datasets.buildKtoDataset(dates, { ...good, maxQuality: 0.3, format: "standard" }),
  "grpo-dates": () => datasets.buildGrpoDataset(dates, { groupSize: 2, format: "standard" }),
  "grpo-online-dates": () => datasets.buildOnlineGrpoDataset(dates, { format: "standard" }),
};
for (const [name, build] of Object.entries(builds)) {
  await datasets.writeDataset(build(), join(folder, name), { testShare: 0.2 });
  await datasets.writeDataset(build(), join(folder, `${name}.jsonl`));
}

/** Rows that a loader which guesses types from the first ten megabytes gets wrong. */
function* growing() {
  const filler = "So many words that the file grows. ".repeat(40);
  for (let i = 0; i < 20_000; i += 1) {
    const late = i >= 15_000;
    yield {
      prompt: [{ role: "user", content: day(i % 5000) }],
      completion: [{ role: "assistant", content: late ? "no date" : day(i % 5000) }],
      tools: late && i % 2 === 0 ? tools : null,
      metadata: {
        interaction_id: `i-${i}`,
        when: late ? "some day" : day(i % 5000),
        attempts: late ? i + 0.5 : i,
        note: late ? null : filler,
        ...(late && { region: { name: "eu", zones: [1, "two", null] }, filler }),
      },
    };
  }
}
await datasets.writeDataset(growing(), join(folder, "growing"));
await datasets.writeDataset(growing(), join(folder, "growing.jsonl"));

// Two builds of one size and shape.
for (const [name, answer] of [
  ["first", "4"],
  ["second", "5"],
]) {
  await datasets.writeDataset([{ prompt: "2 + 2?", completion: answer }], join(folder, name));
}
// What frameworks take, in folders of their own.
for (const [name, to] of [
  ["sft", "axolotl"],
  ["dpo", "axolotl"],
  ["sft", "llama-factory"],
  ["dpo", "llama-factory"],
  ["kto", "llama-factory"],
]) {
  await datasets.exportDataset(join(folder, name), join(folder, `${name}-${to}`), { to });
}
for (const name of [...Object.keys(builds), "growing"]) {
  await datasets.exportDataset(join(folder, name), join(folder, `${name}-parquet`), { to: "parquet" });
}
await store.close();
await dates.close();
