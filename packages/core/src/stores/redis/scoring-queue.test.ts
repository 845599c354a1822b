import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { openStore } from "../../open-store.js";
import { scoreInteractions } from "../../score-interactions.js";
import { scorer } from "../../scorer.js";
import { fakeJudge, partIn, verdict } from "../../scorers/fake-judge.fixture.js";
import type { InteractionStore } from "../../store.js";
import { interaction } from "../../testing/interaction.js";
import { type RedisServer, startRedis } from "../../testing/redis-server.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

let prefixes = 0;
/** A store under a prefix of its own, and a second one as another process would open it. */
function stores(): { readonly one: InteractionStore; readonly other: InteractionStore; readonly url: string } {
  const url = `${server.url}?prefix=q${++prefixes}`;
  const [one, other] = [openStore(url), openStore(url)];
  onTestFinished(async () => {
    await one.close();
    await other.close();
  });
  return { one, other, url };
}

async function queueOf(store: InteractionStore, leaseMs = 60_000) {
  const queue = store.scoringQueue?.("judge:m@r", { leaseMs });
  if (!queue) throw new Error("the store shares no work");
  return queue;
}

const records = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) =>
    interaction({
      interactionId: `i-${from + i}`,
      timestamp: 1_767_225_600_000 + from + i,
      answer: `It is ${from + i}.`,
    }),
  );

const PATIENT = { timeout: 30_000, interval: 50 };

describe("the queue", () => {
  it("gives each id to one worker, once, in order", async () => {
    const { one, other } = stores();
    const [mine, theirs] = [await queueOf(one), await queueOf(other)];
    await mine.offer(["a", "b", "c"]);
    await theirs.offer(["b", "c", "d"]);
    expect(await mine.size()).toBe(4);
    expect(await mine.take(2)).toEqual(["a", "b"]);
    expect(await theirs.take(5)).toEqual(["c", "d"]);
    expect(await mine.take(5)).toEqual([]);
    await mine.done(["a", "b"]);
    await theirs.done(["c", "d"]);
    expect(await mine.size()).toBe(0);
  });

  it("hands what a silent worker holds to another one after the lease, but not what is renewed", async () => {
    const { one, other } = stores();
    const [silent, busy] = [await queueOf(one, 300), await queueOf(other, 300)];
    await silent.offer(["a", "b"]);
    expect(await silent.take(1)).toEqual(["a"]);
    expect(await busy.take(5)).toEqual(["b"]);
    await sleep(200);
    await busy.renew(["b"]);
    await sleep(200);
    const takenOver = await busy.take(5);
    expect(takenOver).toEqual(["a"]);
    expect(await silent.take(5)).toEqual([]);
  });

  it("takes over all that a silent worker held, as fast as it gets done", async () => {
    const { one, other } = stores();
    const [silent, busy] = [await queueOf(one, 200), await queueOf(other, 200)];
    const ids = ["a", "b", "c", "d", "e"];
    await silent.offer(ids);
    expect(await silent.take(5)).toEqual(ids);
    await sleep(300);
    const takenOver: string[] = [];
    for (let turn = 0; turn < 3; turn++) takenOver.push(...(await busy.take(2)));
    expect(takenOver).toEqual(ids);
  });

  it("has one leader at a time; another follows when it closes", async () => {
    const { one, other } = stores();
    const [first, second] = [await queueOf(one), await queueOf(other)];
    expect([await first.lead(), await second.lead(), await first.lead()]).toEqual([true, false, true]);
    await first.close();
    expect([await second.lead(), await first.lead()]).toEqual([true, false]);
  });

  it("begins anew when its keys are lost", async () => {
    const queue = await queueOf(stores().one);
    await queue.offer(["a"]);
    await server.cli("flushall");
    expect(await queue.take(1)).toEqual([]);
    await queue.offer(["a"]);
    expect(await queue.take(1)).toEqual(["a"]);
  });

  it("is apart for each scorer", async () => {
    const { one } = stores();
    await (await queueOf(one)).offer(["a"]);
    expect(await (await one.scoringQueue?.("judge:other@r"))?.take(1)).toEqual([]);
  });
});

describe("following one store", () => {
  it("shares the work, goes on with what comes, and asks once for each", async () => {
    const { one, other } = stores();
    await one.append(records(300));
    const asked: string[] = [];
    const judge = scorer("judge:m@r", async ({ interactionId }) => {
      asked.push(interactionId);
      await sleep(5);
      return { scores: { overall: 0.5 } };
    });
    const end = new AbortController();
    const runs = [one, other].map((store) =>
      scoreInteractions(store, judge, { follow: true, concurrency: 4, signal: end.signal }),
    );
    await vi.waitUntil(async () => (await one.stats()).unscoredCount === 0, PATIENT);
    await other.append(records(50, 300));
    await vi.waitUntil(async () => (await one.stats()).unscoredCount === 0, PATIENT);
    end.abort();
    const reports = await Promise.all(runs);
    console.log(
      `two workers: offered 350, scored ${reports.map(({ scored }) => scored).join(" + ")}, asked ${asked.length}`,
    );
    expect(reports.reduce((sum, { scored }) => sum + scored, 0)).toBe(350);
    expect(reports.every(({ scored }) => scored > 20)).toBe(true);
    expect(new Set(asked).size).toBe(asked.length);
  });

  it("a killed process's claims are taken over, and nothing is scored twice in the result", async () => {
    const { one, url } = stores();
    const count = 240;
    await one.append(records(count));
    const asked = new Map<string, number>();
    const { options } = await fakeJudge(async (nonce, request) => {
      const answer = partIn(request, "answer");
      asked.set(answer, (asked.get(answer) ?? 0) + 1);
      await sleep(40);
      return verdict(nonce, 0.5);
    });
    const workers = [1, 2, 3].map(() => worker(url, options.baseURL ?? ""));
    await vi.waitUntil(async () => asked.size > count / 4, PATIENT);
    const [victim, ...others] = workers;
    victim?.child.kill("SIGKILL");
    await victim?.ended;
    await vi.waitUntil(async () => (await one.stats()).unscoredCount === 0, PATIENT);
    for (const { child } of others) child.kill("SIGTERM");
    await Promise.all(others.map(({ ended }) => ended));

    let scores = 0;
    for await (const batch of one.query()) {
      for (const { annotations = [] } of batch) {
        expect(annotations).toHaveLength(1);
        scores += annotations.length;
      }
    }
    const calls = [...asked.values()].reduce((sum, each) => sum + each, 0);
    console.log(
      `three processes, one killed: stored ${count}, scores ${scores}, calls ${calls}, asked again ${calls - count}`,
    );
    expect(scores).toBe(count);
    // At most what the killed one had under way, and had scored but not yet stored.
    expect(calls - count).toBeLessThanOrEqual(64 + 4);
    expect(await (await queueOf(one)).size()).toBe(0);
  }, 60_000);
});

function worker(url: string, baseURL: string): { readonly child: ChildProcess; readonly ended: Promise<unknown> } {
  const file = fileURLToPath(new URL("./scoring-worker.fixture.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", file, url, baseURL, "1000"], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, ended: new Promise((resolve) => child.once("exit", resolve)) };
}
