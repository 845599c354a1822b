import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { calibrationOf, fileStore, type InteractionStore, memoryStore, openStore } from "@whetstone/core";
import { hasRedisServer, type RedisServer, startRedis } from "@whetstone/core/testing";
import { trainingKinds } from "@whetstone/trainers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { interaction, recordAnswers } from "./testing/recorded-answers.js";
import { API, atTheEnd, startServer, temporaryFolder } from "./testing/server-fixture.js";

let redis: RedisServer | undefined;
beforeAll(async () => {
  if (hasRedisServer()) redis = await startRedis();
});
afterAll(() => redis?.stop());

const stores: readonly (readonly [name: string, open: () => InteractionStore])[] = [
  ["a memory store", () => memoryStore()],
  ["a file store", () => fileStore(join(temporaryFolder(), "store"))],
  // Without a redis-server there is nothing to try; CI has one.
  ...(hasRedisServer()
    ? [["a Redis store", () => openStore(`${redis?.url}?prefix=t${Math.random().toString(36).slice(2)}`)] as const]
    : []),
];

describe.each(stores)("the API on %s", (_name, open) => {
  const start = async () => {
    const store = open();
    atTheEnd(() => store.close());
    const dataRoot = temporaryFolder();
    return { ...(await startServer({ store, dataRoot })), dataRoot };
  };

  it("logs an interaction once, takes secrets out and hashes the user", async () => {
    const { post, store } = await start();
    const sent = {
      interaction_id: "from-python-1",
      timestamp: "2026-01-31T08:00:00Z",
      query: "My mail is jane.doe@example.com, what is 6 times 7?",
      answer: "42",
      agent_type: "math",
      quality_scores: { overall: 0.9 },
      user_id: "jane",
      latency_ms: 12.5,
      tools_used: ["calculator"],
      metadata: { release: "1.2" },
      session_id: null,
    };
    const first = await post(`${API}/interactions`, sent);
    expect(first.status).toBe(201);
    expect(await first.json()).toEqual({
      interaction_id: "from-python-1",
      status: "stored",
      flags: ["query:redacted"],
    });
    const again = await post(`${API}/interactions`, sent);
    expect([again.status, await again.json()]).toMatchObject([200, { status: "duplicate" }]);

    const stored = await store.get("from-python-1");
    expect(stored).toMatchObject({ answer: "42", latencyMs: 12.5, timestamp: Date.parse("2026-01-31T08:00:00Z") });
    expect(stored?.query).toBe("My mail is <EMAIL_1>, what is 6 times 7?");
    if (!store.url.startsWith("memory:")) expect(stored?.userId).toMatch(/^u:[0-9a-f]{32}$/);
  });

  it("gives interactions back page by page, by time, agent and quality", async () => {
    const { post, store } = await start();
    const records = Array.from({ length: 7 }, (_, i) =>
      interaction({ qualityScores: { overall: i / 6 }, agentType: i % 2 ? "math" : "code" }),
    );
    await store.append(records);
    const all: string[] = [];
    let cursor: string | null = null;
    do {
      const response = await post(`${API}/interactions/query`, { limit: 3, order: "asc", cursor });
      const page = (await response.json()) as {
        interactions: { interaction_id: string }[];
        count: number;
        next_cursor: string | null;
      };
      expect(page.count).toBe(page.interactions.length);
      all.push(...page.interactions.map(({ interaction_id }) => interaction_id));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(all).toEqual(records.map(({ interactionId }) => interactionId));

    const count = async (body: object) =>
      ((await (await post(`${API}/interactions/query`, body)).json()) as { count: number }).count;
    expect(await count({ high_quality_only: true })).toBe(2);
    expect(await count({ agent_type: "math" })).toBe(3);
    expect(await count({ agent_type: ["math", "code"] })).toBe(7);
    expect(await count({ start_time: new Date(records[5]?.timestamp ?? 0).toISOString() })).toBe(2);
    expect(await count({ end_time: new Date(records[5]?.timestamp ?? 0).toISOString() })).toBe(5);
    expect(await count({ min_quality: 0.5, high_quality_only: false })).toBe(4);
    const body = await (await post(`${API}/interactions/query`, { limit: 1 })).json();
    expect(body).toMatchObject({ interactions: [{ interaction_id: records[6]?.interactionId, agent_type: "code" }] });
  });

  it("takes a query without a body for everything", async () => {
    const { ask, store } = await start();
    await store.append([interaction()]);
    const response = await ask(`${API}/interactions/query`, { method: "POST" });
    expect([response.status, await response.json()]).toMatchObject([200, { count: 1, next_cursor: null }]);
  });

  it("records feedback, and says when there is nothing to say it of", async () => {
    const { post, store } = await start();
    const { interactionId } = interaction();
    await store.append([interaction({ interactionId })]);
    const path = `${API}/interactions/${interactionId}/feedback`;
    expect((await post(path, { type: "rating", value: 0.75, source: "human:jane" })).status).toBe(201);
    expect((await post(path, { type: "demonstration", value: "Write to jane@example.com" })).status).toBe(201);
    expect((await store.get(interactionId))?.annotations).toMatchObject([
      { source: "human:jane", feedback: { type: "rating", value: 0.75 } },
      { source: "human:user", feedback: { type: "demonstration", value: "Write to <EMAIL_1>" } },
    ]);
    const unknown = await post(`${API}/interactions/nobody/feedback`, { type: "boolean", value: true });
    expect([unknown.status, await unknown.json()]).toMatchObject([404, { code: "INTERACTION_NOT_FOUND" }]);
  });

  it("builds SFT, DPO, GRPO, KTO and reward datasets and says what was left out", async () => {
    const { post, store } = await start();
    await recordAnswers(store, { prompts: 3, answers: 5 });
    await store.append([interaction()]);
    const build = async (kind: string, options: object) =>
      (await (await post(`${API}/dataset/${kind}`, options)).json()) as Record<string, unknown>;

    const sft = await build("sft", { min_quality: 0.7, max_samples: 4 });
    expect(sft).toMatchObject({ count: 4, saved_to: null, metadata: { kind: "sft", considered: 16, files: null } });
    expect(sft.dataset).toHaveLength(4);
    expect(sft).toMatchObject({ dataset: [{ messages: [{ role: "user" }, { role: "assistant" }] }, {}, {}, {}] });
    expect(sft).toMatchObject({ metadata: { drops: { unscored: 1, below_min_quality: 9 }, used: 4 } });

    const dpo = await build("dpo", { min_quality_diff: 0.5, format: "standard" });
    expect(dpo).toMatchObject({
      count: 3,
      dataset: [
        { prompt: "Question number 0?", chosen: "Answer 4 to question 0", rejected: "Answer 0 to question 0" },
        {},
        {},
      ],
    });
    const grpo = await build("grpo", { group_size: 3, max_groups: 2, days_back: 1, agent_types: ["math"] });
    expect(grpo).toMatchObject({ count: 2, metadata: { options: { group_size: 3, max_groups: 2, days_back: 1 } } });
    const kto = await build("kto", { max_quality: 0.2 });
    expect(kto).toMatchObject({ metadata: { kind: "kto" } });
    expect((kto.dataset as { label: boolean }[]).map(({ label }) => label).toSorted()).toEqual([
      false,
      false,
      false,
      true,
      true,
      true,
    ]);
    expect(await build("reward", {})).toMatchObject({
      count: 3,
      dataset: [{ margin: 1 }, { margin: 1 }, { margin: 1 }],
    });
    expect(await build("sft", { agent_types: ["nobody"] })).toMatchObject({ dataset: [], count: 0 });
  });

  it("builds prompts for online GRPO, with the right answers where they are known", async () => {
    const { post, store } = await start();
    await store.append([
      interaction({ query: "6 times 7?", reference: "42" }),
      interaction({ query: "Anything else?" }),
      interaction({ query: "7 times 7?", reference: "49" }),
    ]);
    const built = await post(`${API}/dataset/grpo-online`, { require_reference: true, max_prompts: 1 });
    expect(await built.json()).toMatchObject({
      dataset: [{ prompt: [{ role: "user", content: "7 times 7?" }], reference: "49" }],
      metadata: {
        kind: "grpo-online",
        options: { require_reference: true, max_prompts: 1 },
        prompts: 3,
        prompts_used: 1,
        drops: { no_reference: 1, over_limit: 1 },
      },
    });
  });

  it("lets only calibrated judges decide when it is asked to, and tells of calibrations", async () => {
    const { ask, post, store } = await start();
    const records = Array.from({ length: 4 }, () => interaction({ userId: "jane" }));
    await store.append(records);
    const sources = ["judge:good@r", "judge:poor@r", "judge:unknown@r", "human:jane"];
    await store.annotate(
      records.map(({ interactionId }, i) => ({
        interactionId,
        kind: "score" as const,
        source: sources[i] ?? "",
        at: Date.now(),
        scores: { overall: 1 },
      })),
    );
    for (const [source, wrong] of [
      ["judge:good@r", 2],
      ["judge:poor@r", 30],
    ] as const) {
      const labels = Array.from({ length: 100 }, (_, i) => ({
        human: i % 2 ? "good" : "bad",
        scorer: i % 2 === (i < wrong ? 0 : 1) ? "good" : "bad",
      }));
      await store.saveCalibration(await calibrationOf(source, labels, { at: Date.UTC(2026, 0, 31) }));
    }
    const built = await (await post(`${API}/dataset/sft`, { require_calibration: 0.6 })).json();
    expect(built).toMatchObject({
      count: 2,
      metadata: {
        options: { require_calibration: 0.6 },
        drops: { uncalibrated: 2 },
        prompts_used: null,
        score_sources: { "human:jane": 1, "judge:good@r": 1 },
        calibrations: { "human:jane": null, "judge:good@r": { kappa: 0.96, labelled: 100, agreement: 0.98 } },
        top_contributors: [{ interactions: 2 }],
      },
    });
    const stats = await (await ask(`${API}/stats`)).json();
    expect(stats).toMatchObject({
      calibrations: [
        { source: "judge:good@r", at: "2026-01-31T00:00:00.000Z", kappa: 0.96, unparsable_rate: 0 },
        { source: "judge:poor@r", kappa: expect.closeTo(0.4) },
      ],
    });
  });

  it("saves a dataset into the data folder, as a file or a folder", async () => {
    const { post, store, dataRoot } = await start();
    await recordAnswers(store, { prompts: 20, answers: 2 });
    const file = await post(`${API}/dataset/dpo`, { save_to_file: "math/pairs.jsonl" });
    expect(file.status).toBe(200);
    const saved = (await file.json()) as { dataset: object[]; metadata: { files: object } };
    expect(saved).toMatchObject({
      saved_to: "math/pairs.jsonl",
      count: 20,
      metadata: { files: { "pairs.jsonl": { rows: 20 } } },
    });
    const lines = readFileSync(join(dataRoot, "math/pairs.jsonl"), "utf8").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual(saved.dataset);

    const folder = await post(`${API}/dataset/sft`, { save_to_file: "math-sft", test_share: 0.3 });
    expect(await folder.json()).toMatchObject({ saved_to: "math-sft" });
    expect(readFileSync(join(dataRoot, "math-sft/manifest.json"), "utf8")).not.toContain(dataRoot);
    const empty = await post(`${API}/dataset/sft`, { save_to_file: "none.jsonl", agent_types: ["nobody"] });
    expect([empty.status, await empty.json()]).toMatchObject([422, { code: "DATASET_EMPTY" }]);
  });

  it("leaves the rows out above 1,000, and streams all of them", async () => {
    const { post, store } = await start();
    await recordAnswers(store, { prompts: 1001, answers: 1 });
    const answer = (await (await post(`${API}/dataset/sft`, {})).json()) as object;
    expect(answer).toMatchObject({ dataset: null, count: 1001 });

    const streamed = await post(`${API}/dataset/sft`, {}, { headers: { accept: "application/x-ndjson" } });
    expect(streamed.headers.get("content-type")).toBe("application/x-ndjson");
    const lines = (await streamed.text()).trimEnd().split("\n");
    expect(lines).toHaveLength(1001);
    expect(JSON.parse(lines[1000] ?? "")).toMatchObject({ messages: [{ content: "Question number 1000?" }, {}] });
    expect(lines[0]).toContain('"quality_score":1.0,');
  });

  it("tells what datasets there could be", async () => {
    const { ask, store } = await start();
    await recordAnswers(store, { prompts: 3, answers: 4 });
    const response = await ask(`${API}/dataset/stats?days_back=7`);
    expect(await response.json()).toMatchObject({
      days_back: 7,
      total_interactions: 12,
      high_quality_count: 3,
      error_count: 0,
      unscored_count: 0,
      agent_counts: { math: 12 },
      potential_datasets: { sft_samples: 3, dpo_pairs: 3, grpo_groups: 3 },
      recommendation: expect.stringContaining("Too little yet"),
    });
    expect(await (await ask(`${API}/dataset/stats`)).json()).toMatchObject({ days_back: null });
  });

  it.each(trainingKinds)("generates the %s script and saves it", async (kind) => {
    const { post, dataRoot } = await start();
    const body = {
      script_type: kind,
      dataset_path: `datasets/${kind}`,
      output_dir: "./model",
      save_to_file: `scripts/train-${kind}.py`,
      config: { num_epochs: 2 },
    };
    const response = await post(`${API}/script/generate`, body);
    const answer = (await response.json()) as { script: string };
    expect([response.status, answer]).toMatchObject([200, { saved_to: `scripts/train-${kind}.py` }]);
    expect(answer).toMatchObject({ script_type: kind, command: `uv run scripts/train-${kind}.py` });
    expect(readFileSync(join(dataRoot, `scripts/train-${kind}.py`), "utf8")).toBe(answer.script);
    expect(answer).toMatchObject({
      requirements_saved_to: "scripts/requirements.txt",
      trl_config_saved_to: kind === "grpo-offline" ? null : `scripts/train-${kind}.yaml`,
      accelerate_saved_to: ["ddp", "fsdp2", "zero3", "zero2-offload"].map((way) => `scripts/accelerate/${way}.yaml`),
      serve_saved_to: "scripts/SERVE.md",
    });
    const told = Object.entries(answer).flatMap(([name, path]) => (name.endsWith("saved_to") ? (path ?? []) : []));
    const saved = readdirSync(join(dataRoot, "scripts"), { recursive: true, withFileTypes: true });
    const files = saved.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    expect(files.map((file) => relative(dataRoot, file)).toSorted()).toEqual(told.toSorted());
    expect(answer.script).toContain("def main()");
  });

  it("says which setting of a script is wrong", async () => {
    const { post } = await start();
    const body = { script_type: "sft", dataset_path: "data", config: { num_epoch: 2 } };
    const response = await post(`${API}/script/generate`, body);
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { code: "CONFIG_INVALID", detail: expect.stringContaining("did you mean numEpochs?") },
    ]);
  });

  it("removes old interactions, by a number in the query or in the body", async () => {
    const { ask, post, store } = await start();
    const day = 86_400_000;
    await store.append([40, 20, 1].map((days) => interaction({ timestamp: Date.now() - days * day })));
    const first = await ask(`${API}/interactions/cleanup?days_to_keep=30`, { method: "DELETE" });
    expect([first.status, await first.json()]).toMatchObject([
      200,
      { removed_count: 1, days_kept: 30, message: expect.stringContaining("removed 1 interaction from before") },
    ]);
    const second = await post(`${API}/interactions/cleanup`, { days_to_keep: 10 }, { method: "DELETE" });
    expect(await second.json()).toMatchObject({ removed_count: 1, days_kept: 10 });
    for (const path of ["", "?days_to_keep=-1", "?days_to_keep=1e3", "?days_to_keep=99999"]) {
      expect((await ask(`${API}/interactions/cleanup${path}`, { method: "DELETE" })).status).toBe(400);
    }
    expect((await store.stats()).totalInteractions).toBe(1);
  });
});
