import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createInteractionLogger } from "../interaction-logger.js";
import { openStore } from "../open-store.js";
import { redisStore } from "../stores/redis-store.js";
import { freePort, startRedis } from "../testing/redis-server.js";
import { countStored, faultedRun, question } from "./faulted-run.fixture.js";

const whole = { duplicated: 0, lost: 0, dropped: 0 };

describe.concurrent("nothing is lost and nothing is stored twice when Redis", () => {
  it("is at its memory limit, which is then raised", async () => {
    await using server = await startRedis({ config: { maxmemory: "2500kb", "maxmemory-policy": "noeviction" } });
    const run = await faultedRun("OOM with noeviction, then more memory", {
      store: server.url,
      fault: async (logger) => {
        while (!/maxmemory/.test(logger.health().reasons.join())) await sleep(50);
        await sleep(2_000);
        await server.configure("maxmemory", "200mb");
      },
    });
    expect(run).toMatchObject({ ...whole, stored: run.sent });
    expect(run.errors.map(({ code }) => code)).toContain("STORE_FULL");
  });

  it("may evict keys: the logger says so, and no record is one that a volatile policy takes", async () => {
    await using server = await startRedis({ config: { maxmemory: "100mb", "maxmemory-policy": "allkeys-lru" } });
    const run = await faultedRun("eviction policy allkeys-lru", { store: server.url, fault: () => sleep(500) });
    expect(run).toMatchObject({ ...whole, stored: run.sent });
    expect(run.errors.map(({ code, message }) => `${code} ${message}`).join()).toMatch(/STORE_DEGRADED .*noeviction/);
    expect(await server.cli("info", "keyspace")).toContain("expires=0");
  });

  it("is a replica for a while", async () => {
    await using server = await startRedis();
    const nobody = await freePort();
    const run = await faultedRun("READONLY for 3 s", {
      store: server.url,
      fault: async () => {
        await sleep(700);
        await server.cli("replicaof", "127.0.0.1", String(nobody));
        await sleep(3_000);
        await server.cli("replicaof", "no", "one");
      },
    });
    expect(run).toMatchObject({ ...whole, stored: run.sent });
    // Now and then the look at the server sees it before a write does.
    const codes = run.errors.map(({ code }) => code).filter((code) => code !== "STORE_DEGRADED");
    expect(codes).toEqual(["STORE_READ_ONLY"]);
  });

  it("refuses the password until it is corrected", async () => {
    await using server = await startRedis({ config: { requirepass: "right" } });
    const run = await faultedRun("a wrong password, then the right one", {
      store: server.url.replace("//", "//:s3cret-of-mine@"),
      fault: async () => {
        await sleep(3_000);
        await server.configure("requirepass", "s3cret-of-mine");
      },
    });
    expect(run).toMatchObject({ ...whole, stored: run.sent });
    expect(run.errors.map(({ code }) => code)).toEqual(["STORE_REFUSED"]);
    expect(run.errors[0]?.message).toMatch(/refuses the user name or password/);
    expect(run.errors[0]?.message).not.toContain("s3cret");
  });

  it("has a key of another kind where ours belongs", async () => {
    await using server = await startRedis();
    const first = openStore(server.url);
    const logger = createInteractionLogger({ store: first, durability: "memory" });
    logger.log(question(0));
    await logger.close();
    await first.close();
    const keys = (await server.cli("--scan", "--pattern", "*:r")).split("\n");
    const [records = ""] = keys;
    for (const key of (await server.cli("--scan")).split("\n")) await server.cli("del", key);
    await server.cli("set", records, "foreign");
    const run = await faultedRun("a foreign key in our namespace, then removed", {
      store: server.url,
      fault: async () => {
        await sleep(3_000);
        expect(await server.cli("get", records)).toBe("foreign");
        await server.cli("del", records);
      },
    });
    expect(keys).toHaveLength(1);
    expect(run).toMatchObject({ ...whole, stored: run.sent });
    expect(run.errors.map(({ code }) => code)).toEqual(["STORE_RECORD_REFUSED"]);
  });

  it("speaks TLS with a certificate of an unknown authority: the next logger knows it", async () => {
    await using server = await startRedis({ tls: true });
    const spoolDirectory = mkdtempSync(join(tmpdir(), "whetstone-tls-"));
    const errors: string[] = [];
    const onError = ({ code }: { code: string }) => errors.push(code);
    const ids: string[] = [];
    const distrusting = redisStore({ url: server.url });
    const first = createInteractionLogger({ store: distrusting, spoolDirectory, onError });
    for (let n = 0; n < 500; n++) ids.push(first.log(question(n)));
    await first.flush({ timeoutMs: 2_000 });
    expect(errors).toEqual(["STORE_REFUSED"]);
    expect(first.health().reasons.join()).toMatch(/no secure connection to Redis/);
    expect(await first.close({ timeoutMs: 0 })).toEqual({ stored: 0, pending: 500, dropped: 0 });
    await distrusting.close();
    const store = redisStore({ url: server.url, clientOptions: { tls: { ca: server.ca } } });
    const second = createInteractionLogger({ store, spoolDirectory, onError });
    while (second.stats().replayed < 500) await sleep(20);
    await second.close();
    const counted = await countStored(store, ids);
    await store.close();
    rmSync(spoolDirectory, { recursive: true, force: true });
    console.log(
      `| TLS: unknown authority, then known | 500 | ${counted.stored} | ${counted.duplicated} | ${counted.lost} | |`,
    );
    expect(counted).toMatchObject({ stored: 500, duplicated: 0, lost: 0 });
  });

  it("speaks TLS and the URL does not", async () => {
    await using server = await startRedis({ tls: true });
    const spoolDirectory = mkdtempSync(join(tmpdir(), "whetstone-tls-"));
    const store = openStore(server.url.replace("rediss:", "redis:"));
    const logger = createInteractionLogger({ store, spoolDirectory, onError: () => undefined });
    logger.log(question(0));
    expect(await logger.flush({ timeoutMs: 2_500 })).toEqual({ stored: 0, pending: 1, dropped: 0 });
    expect(logger.health().status).toBe("degraded");
    console.log(`redis:// to a TLS port: ${logger.health().reasons.join()}`);
    await logger.close({ timeoutMs: 0 });
    await store.close();
    rmSync(spoolDirectory, { recursive: true, force: true });
  });
});
