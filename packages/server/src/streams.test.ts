import { readdirSync } from "node:fs";
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type InteractionStore, memoryStore } from "@whetstone/core";
import { describe, expect, it, vi } from "vitest";
import { datasetKinds } from "./dataset-kinds.js";
import { interaction, recordAnswers } from "./testing/recorded-answers.js";
import { API, startServer, temporaryFolder, tokens } from "./testing/server-fixture.js";

const NDJSON = { accept: "application/x-ndjson" };
const EVENTS = { accept: "text/event-stream" };
const PATIENT = { timeout: 30_000, interval: 20 };

/** A store that counts the records it hands out, and can be told to go on step by step. */
function watchedStore({ pauseMs = 0 } = {}) {
  const store = memoryStore();
  let fetched = 0;
  let scans = 0;
  const watched: InteractionStore = {
    ...store,
    async *scanIndex(filter) {
      scans += 1;
      yield* store.scanIndex(filter);
    },
    async *fetch(refs) {
      for await (const batch of store.fetch(refs)) {
        if (pauseMs > 0) await sleep(pauseMs);
        fetched += batch.length;
        yield batch;
      }
    },
  };
  return { store: watched, fetched: () => fetched, scans: () => scans };
}

describe("rows as a stream", () => {
  it("are built no faster than they are read", async () => {
    const { store, fetched } = watchedStore();
    // 60 MB of rows: far more than sockets on both sides hold.
    const text = "x".repeat(20_000);
    await recordAnswers(store, { prompts: 3_000, answers: 1, text });
    const { url } = await startServer({ store });
    const { early, lines } = await new Promise<{ early: number; lines: number }>((resolve, reject) => {
      const sent = request(
        `${url}${API}/dataset/sft`,
        { method: "POST", headers: { ...NDJSON, authorization: `Bearer ${tokens.build}` } },
        async (response) => {
          response.pause();
          await sleep(1_000);
          const early = fetched();
          let lines = 0;
          for await (const chunk of response) lines += String(chunk).split("\n").length - 1;
          resolve({ early, lines });
        },
      );
      sent.on("error", reject).end();
    });
    console.info(`fetched while the reader paused: ${early} of 3000 records`);
    expect(early).toBeLessThan(1_500);
    expect(lines).toBe(3_000);
    expect(fetched()).toBe(3_000);
  });

  it.each([
    ["rows", NDJSON],
    ["progress", EVENTS],
    ["one answer", { accept: "application/json" }],
  ])("stop being built when the client of %s leaves", async (_name, headers) => {
    const { store, fetched, scans } = watchedStore({ pauseMs: 15 });
    await recordAnswers(store, { prompts: 20_000, answers: 1, text: "x".repeat(500) });
    const dataRoot = temporaryFolder();
    const { post, errors } = await startServer({ store, dataRoot });
    const leave = new AbortController();
    const body = headers === NDJSON ? {} : { save_to_file: "sft.jsonl" };
    const asked = post(`${API}/dataset/sft`, body, { headers, signal: leave.signal });
    asked.then((response) => response.text()).catch(() => {});
    await vi.waitUntil(() => fetched() > 0, PATIENT);
    leave.abort();
    await sleep(300);
    const when = fetched();
    await sleep(400);
    console.info(`left at ${when} of 20000 records; ${fetched()} read a while later; scans: ${scans()}`);
    expect(fetched()).toBe(when);
    expect(when).toBeLessThan(20_000);
    expect(readdirSync(dataRoot)).toEqual([]);
    expect(errors).toEqual([]);
    // Both slots are free again.
    const next = await Promise.all([1, 2].map(() => post(`${API}/dataset/dpo`, {})));
    expect(next.map(({ status }) => status)).toEqual([200, 200]);
  });

  it("are broken off when the build fails, so that half is not taken for the whole", async () => {
    const { store } = watchedStore();
    await recordAnswers(store, { prompts: 600, answers: 1, text: "x".repeat(1_000) });
    let batches = 0;
    const failing: InteractionStore = {
      ...store,
      async *fetch(refs) {
        for await (const batch of store.fetch(refs)) {
          batches += 1;
          if (batches > 1) throw new Error("the disk is gone: /home/me/secret");
          yield batch;
        }
      },
    };
    const { post, errors } = await startServer({ store: failing });
    const response = await post(`${API}/dataset/sft`, {}, { headers: NDJSON });
    const end = await response.text().then(
      () => "complete",
      () => "broken off",
    );
    expect(end).toBe("broken off");
    expect(errors).toMatchObject([{ message: "the disk is gone: /home/me/secret" }]);
  });

  it("are not saved at the same time", async () => {
    const { post } = await startServer({ dataRoot: temporaryFolder() });
    const response = await post(`${API}/dataset/sft`, { save_to_file: "a.jsonl" }, { headers: NDJSON });
    expect(response.status).toBe(400);
  });
});

describe("a build told as events", () => {
  it("tells of its progress and ends with the answer", async () => {
    const { store } = watchedStore({ pauseMs: 200 });
    await recordAnswers(store, { prompts: 2_000, answers: 1 });
    const { post } = await startServer({ store, dataRoot: temporaryFolder() });
    const response = await post(`${API}/dataset/sft`, { save_to_file: "sft.jsonl" }, { headers: EVENTS });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const events = (await response.text())
      .trim()
      .split("\n\n")
      .map((event) => /^event: (\w+)\ndata: (.*)$/.exec(event)?.slice(1) ?? []);
    const progress = events.filter(([name]) => name === "progress").map(([, data]) => JSON.parse(data ?? "").rows);
    console.info(`rows told while it ran: ${progress.join(", ")}`);
    expect(progress.length).toBeGreaterThan(1);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    const [name, data] = events.at(-1) ?? [];
    expect(name).toBe("done");
    expect(JSON.parse(data ?? "")).toMatchObject({ count: 2_000, saved_to: "sft.jsonl", dataset: null });
  });

  it.each(Object.keys(datasetKinds))("tells of %s, and stops it when its client leaves", async (kind) => {
    const small = memoryStore();
    await recordAnswers(small, { prompts: 40, answers: 4 });
    const server = await startServer({ store: small });
    const whole = await server.post(`${API}/dataset/${kind}`, {}, { headers: EVENTS });
    const events = [...(await whole.text()).matchAll(/^event: (\w+)\ndata: (.*)$/gm)];
    expect(events.map(([, name]) => name)).toEqual(expect.arrayContaining(["progress", "done"]));
    expect(JSON.parse(events.at(-1)?.[2] ?? "").count).toBeGreaterThan(0);

    const { store, fetched } = watchedStore({ pauseMs: 20 });
    await recordAnswers(store, { prompts: 2_000, answers: 4 });
    const { post } = await startServer({ store });
    const leave = new AbortController();
    const asked = await post(`${API}/dataset/${kind}`, {}, { headers: EVENTS, signal: leave.signal });
    asked.text().catch(() => {});
    await vi.waitUntil(() => fetched() > 0, PATIENT);
    leave.abort();
    await sleep(300);
    const when = fetched();
    await sleep(300);
    expect(fetched()).toBe(when);
    expect(when).toBeLessThan(2_000);
  });

  it("ends with the problem when there is one", async () => {
    const { post, store } = await startServer({ dataRoot: temporaryFolder() });
    await store.append([interaction()]);
    const response = await post(`${API}/dataset/sft`, { save_to_file: "sft.jsonl" }, { headers: EVENTS });
    expect(await response.text()).toMatch(/event: problem\ndata: \{.*"code":"DATASET_EMPTY"/);
  });
});

describe("closing the server", () => {
  it("stops a running build, leaves nothing half-written, and resolves", async () => {
    const { store, fetched } = watchedStore({ pauseMs: 15 });
    await recordAnswers(store, { prompts: 20_000, answers: 1 });
    const dataRoot = temporaryFolder();
    const { post, close } = await startServer({ store, dataRoot });
    const asked = post(`${API}/dataset/sft`, { save_to_file: "sft.jsonl" }).then(
      ({ status }) => status,
      () => "broken off",
    );
    await vi.waitUntil(() => fetched() > 0, PATIENT);
    await close();
    expect(await asked).not.toBe(200);
    expect(readdirSync(dataRoot)).toEqual([]);
    expect(fetched()).toBeLessThan(20_000);
  });
});
