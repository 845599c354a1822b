import {
  type CollectProgress,
  collectGroups,
  type GroupAgent,
  type LoggedPrompt,
  loggedPrompts,
} from "@whetstone/agent-wrappers";
import {
  createInteractionLogger,
  effectiveScore,
  fileStore,
  type InteractionStore,
  mathVerifier,
  memoryStore,
  type StoredInteraction,
} from "@whetstone/core";
import { fakeOpenAiServer } from "@whetstone/core/testing";
import { buildDpoDataset, buildGrpoDataset } from "@whetstone/datasets";
import OpenAI from "openai";
import { expect, it } from "vitest";
import { temporaryFolder } from "./testing/temporary-folder.js";

/** A store with what production asked: each prompt once. */
async function production(store: InteractionStore, count: number): Promise<void> {
  const logger = createInteractionLogger({ store });
  for (let n = 0; n < count; n++) {
    logger.log({
      ...{ query: `What is ${n} + 10?`, answer: `It is ${n + 10}.`, agentType: "math", reference: `${n + 10}` },
      timestamp: Date.UTC(2026, 0, 5) + n * 1000,
    });
  }
  await logger.close();
}

async function collected(store: InteractionStore): Promise<StoredInteraction[]> {
  const all: StoredInteraction[] = [];
  for await (const batch of store.query()) all.push(...batch.filter(({ groupId }) => groupId !== undefined));
  return all;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

it("makes groups and pairs of prompts that came once, with a model behind an endpoint and a verifier", async () => {
  const store = fileStore(temporaryFolder());
  await production(store, 6);
  // Right for the first half of the requests of a prompt, wrong for the others.
  const asked = new Map<string, number>();
  await using server = await fakeOpenAiServer(({ body }) => {
    const [{ content }] = body.messages as [{ content: string }];
    const times = (asked.get(content) ?? 0) + 1;
    asked.set(content, times);
    const n = Number(/is (\d+)/.exec(content)?.[1]);
    return `The answer is ${n + (times <= 2 ? 10 : 11 + times)}.`;
  });
  const client = new OpenAI({ baseURL: server.baseURL, apiKey: "none" });
  const agent: GroupAgent = async ({ query }, { signal }) => {
    const completion = await client.chat.completions.create(
      { model: "small", messages: [{ role: "user", content: query }] },
      { signal },
    );
    return completion.choices[0]?.message.content;
  };

  const progress: CollectProgress[] = [];
  const report = await collectGroups(agent, loggedPrompts(store, { agentTypes: ["math"] }), {
    ...{ store, scorer: mathVerifier(), groupSize: 4, concurrency: 3, model: "small" },
    onProgress: (state) => progress.push(state),
  });
  expect(report).toEqual({
    ...{ prompts: 6, complete: 6, skipped: 0, answered: 24, failed: 0, scored: 24, unscored: 0 },
    ...{ failures: [], stoppedBy: null },
  });
  expect(progress.length).toBe(25);
  expect(server.requests.length).toBe(24);

  const groups = await all(buildGrpoDataset(store, { groupSize: 4 }));
  expect(groups.map(({ responses }) => responses.map(({ reward }) => reward))).toEqual(
    Array.from({ length: 6 }, () => [1, 1, 0, 0]),
  );
  const pairs = await all(buildDpoDataset(store));
  expect(pairs.length).toBe(6);
  for (const { metadata } of pairs) expect([metadata.chosen_score, metadata.rejected_score]).toEqual([1, 0]);
  await store.close();
});

it("goes on where a run was stopped, asks for nothing twice, and tries again what failed", async () => {
  const folder = temporaryFolder();
  const store = fileStore(folder);
  await production(store, 10);
  const stop = new AbortController();
  let calls = 0;
  const flaky: GroupAgent = async ({ query }) => {
    calls += 1;
    if (calls === 17) stop.abort(new Error("that is enough"));
    if (calls % 5 === 0) throw new Error("the model is busy");
    return `${query} I say ${calls}`;
  };
  const prompts = () => loggedPrompts(store, { limit: 10 });
  const options = { store, groupSize: 3, concurrency: 2 };
  await expect(collectGroups(flaky, prompts(), { ...options, signal: stop.signal })).rejects.toThrow("that is enough");
  const before = await collected(store);
  expect(before.length).toBe(calls);
  const failed = before.filter(({ errorOccurred }) => errorOccurred);
  expect(failed.map(({ errorMessage }) => errorMessage)).toEqual(failed.map(() => "the model is busy"));
  expect(failed.length).toBe(3);
  await store.close();

  const again = fileStore(folder);
  const steady: GroupAgent = async ({ query }) => `${query} again`;
  const report = await collectGroups(steady, loggedPrompts(again, { limit: 10 }), { ...options, store: again });
  expect(report).toMatchObject({
    prompts: 10,
    complete: 10,
    skipped: calls - 3,
    answered: 30 - (calls - 3),
    failed: 0,
  });
  const third = await collectGroups(steady, loggedPrompts(again, { limit: 10 }), { ...options, store: again });
  expect(third).toMatchObject({ complete: 10, skipped: 30, answered: 0 });
  const found = await collected(again);
  const bySlot = new Map<string, number>();
  for (const { groupId = "", errorOccurred } of found) {
    if (!errorOccurred) bySlot.set(groupId, (bySlot.get(groupId) ?? 0) + 1);
  }
  expect([...bySlot.values()]).toEqual(Array.from({ length: 10 }, () => 3));
  console.log(`asked ${calls + 30 - (calls - 3)}, stored ${found.length}, dropped 0, duplicated ${found.length - 33}`);
  await again.close();
});

it("ends when the agent does nothing but fail, and says why", async () => {
  const store = memoryStore();
  await production(store, 50);
  const broken: GroupAgent = () => {
    throw new Error("no API key");
  };
  const report = await collectGroups(broken, loggedPrompts(store), { store, concurrency: 4 });
  expect(report).toMatchObject({ answered: 0, complete: 0, failures: Array.from({ length: 5 }, () => "no API key") });
  expect(report.failed).toBeLessThan(25);
  expect(report.stoppedBy).toContain("no API key");
});

it("records streams, conversations and what an agent says of its answer", async () => {
  const store = memoryStore();
  const logger = createInteractionLogger({ store });
  const conversation: LoggedPrompt = {
    agentType: "general",
    query: "And in May?",
    messages: [
      { role: "user", content: "How warm is Rome in June?" },
      { role: "assistant", content: "27 degrees." },
      { role: "user", content: "And in May?" },
    ],
  };
  const handed: unknown[] = [];
  const streaming: GroupAgent = async function* ({ messages, query }) {
    handed.push(messages?.length, query);
    yield "23 ";
    yield "degrees.";
  };
  await collectGroups(streaming, [conversation, conversation], {
    store,
    logger,
    groupSize: 2,
    name: "round-2",
    variant: "new",
  });
  expect(logger.stats()).toMatchObject({ stored: 2 });
  expect(handed).toEqual([3, "And in May?", 3, "And in May?"]);
  const [first, second] = await collected(store);
  expect(first).toMatchObject({ query: "And in May?", answer: "23 degrees.", variant: "new" });
  expect(first?.messages?.map(({ content }) => content).at(-1)).toBe("23 degrees.");
  expect(first?.messages?.length).toBe(4);
  expect(first?.groupId).toMatch(/^round-2:[0-9a-f]{32}$/);
  expect(second?.groupId).toBe(first?.groupId);
  await logger.close();
});

it("takes an unscored answer for what it is", async () => {
  const store = memoryStore();
  const prompts: LoggedPrompt[] = [{ agentType: "math", query: "2 + 2?" }];
  const report = await collectGroups(() => "4", prompts, { store, scorer: mathVerifier(), groupSize: 2 });
  expect(report).toMatchObject({ answered: 2, scored: 0, unscored: 2 });
  for (const interaction of await collected(store)) expect(effectiveScore(interaction)).toBeNull();
});

it("gives each logged prompt once, the newest first, without what the agent made of it", async () => {
  const store = memoryStore();
  const logger = createInteractionLogger({ store });
  const ask = (query: string, more: object = {}) => logger.log({ query, answer: "4", agentType: "math", ...more });
  const at = (seconds: number) => ({ timestamp: Date.UTC(2026, 0, 5) + seconds * 1000 });
  ask("2 + 2?", at(1));
  ask("3 + 3?", { ...at(2), reference: "6" });
  ask("2  + 2? ", at(3));
  ask("find a flight", {
    ...at(4),
    agentType: "travel",
    messages: [
      { role: "system", content: "You book flights." },
      { role: "user", content: "find a flight" },
      {
        role: "assistant",
        content: "",
        tool_calls: [{ type: "function", function: { name: "search", arguments: {} } }],
      },
      { role: "tool", content: "LH 1" },
      { role: "assistant", content: "LH 1" },
    ],
  });
  await logger.close();
  const prompts = await all(loggedPrompts(store));
  expect(prompts.map(({ query }) => query)).toEqual(["find a flight", "2  + 2? ", "3 + 3?"]);
  expect(prompts[0]?.messages?.map(({ role }) => role)).toEqual(["system", "user"]);
  expect(prompts[1]?.messages).toBeUndefined();
  expect((await all(loggedPrompts(store, { requireReference: true }))).map(({ reference }) => reference)).toEqual([
    "6",
  ]);
  expect((await all(loggedPrompts(store, { agentTypes: ["math"], limit: 1 }))).length).toBe(1);
  await expect(all(loggedPrompts(store, { limit: 0 }))).rejects.toThrow("limit is 0");
});

it("refuses options that cannot work", async () => {
  const store = memoryStore();
  const agent: GroupAgent = () => "4";
  await expect(collectGroups(agent, [], { store, groupSize: 1 })).rejects.toThrow("groupSize is 1");
  await expect(collectGroups(agent, [], { store, concurrency: 0 })).rejects.toThrow("concurrency is 0");
  await expect(collectGroups(agent, [], { store, name: "a b" })).rejects.toThrow('name is "a b"');
  const untyped = collectGroups as (agent: GroupAgent, prompts: unknown, options: object) => Promise<unknown>;
  await expect(untyped(agent, [], {})).rejects.toThrow("the store is undefined: give the store");
  for (const prompt of ["2 + 2?", { query: "2 + 2?" }, null]) {
    await expect(untyped(agent, [prompt], { store })).rejects.toThrow(/a prompt is .*: give what loggedPrompts gives/);
  }
});
