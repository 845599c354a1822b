import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { ConfigError, type Interaction, type InteractionStore, memoryStore, StoreError } from "@whetstone/core";
import { afterEach, describe, expect, it } from "vitest";
import { createApp } from "./app.js";

let next = 0;

function interaction(fields: Partial<Interaction> = {}): Interaction {
  next += 1;
  return {
    interactionId: `test-${next}`,
    timestamp: 1_760_000_000_000 + next,
    query: "What is 6 times 7?",
    answer: "42",
    agentType: "math",
    qualityScores: {},
    latencyMs: 12,
    toolsUsed: [],
    errorOccurred: false,
    ...fields,
  };
}

describe("GET /api/v1/training/stats", () => {
  it("answers with the counts, rates and agents of the store", async () => {
    const store = memoryStore();
    await store.append([
      interaction({ qualityScores: { overall: 0.9 } }),
      interaction({ qualityScores: { overall: 0.5 } }),
      interaction({ errorOccurred: true }),
      interaction({ agentType: "camelCase agent", qualityScores: { overall: 0.8 } }),
    ]);

    const response = await createApp({ tokens: false, store }).request("/api/v1/training/stats");

    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual({
      total_interactions: 4,
      high_quality_count: 2,
      error_count: 1,
      unscored_count: 1,
      high_quality_rate: 0.5,
      error_rate: 0.25,
      agent_stats: {
        math: { count: 3, high_quality_count: 1, error_count: 1, average_quality: 0.7 },
        "camelCase agent": { count: 1, high_quality_count: 1, error_count: 0, average_quality: 0.8 },
      },
      calibrations: [],
    });
  });

  it("gives rates of 0 for an empty store", async () => {
    const response = await createApp({ tokens: false, store: memoryStore() }).request("/api/v1/training/stats");
    expect(await response.json()).toMatchObject({ total_interactions: 0, high_quality_rate: 0, agent_stats: {} });
  });

  it("sees what was scored a moment ago", async () => {
    const store = memoryStore();
    const recorded = interaction();
    await store.append([recorded]);
    const app = createApp({ tokens: false, store });
    expect(await (await app.request("/api/v1/training/stats")).json()).toMatchObject({ unscored_count: 1 });
    const { interactionId } = recorded;
    await store.annotate([
      { interactionId, kind: "score", source: "verifier:math", at: recorded.timestamp, scores: { overall: 1 } },
    ]);
    expect(await (await app.request("/api/v1/training/stats")).json()).toMatchObject({ high_quality_count: 1 });
  });

  it("keeps an agent called __proto__ a plain key", async () => {
    const store = memoryStore();
    await store.append([interaction({ agentType: "__proto__" })]);
    const response = await createApp({ tokens: false, store }).request("/api/v1/training/stats");
    expect(await response.text()).toContain('"agent_stats":{"__proto__":{"count":1');
  });
});

describe("GET /health", () => {
  it("says ok for a store that works", async () => {
    const response = await createApp({ tokens: false, store: memoryStore() }).request("/health");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok", reasons: [] });
  });

  it("says degraded with its reasons, and still answers 200", async () => {
    const store = reporting({ status: "degraded", reasons: ["the disk is nearly full"] });
    const response = await createApp({ tokens: false, store }).request("/health");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "degraded", reasons: ["the disk is nearly full"] });
  });

  it("answers 503 for a store that is down", async () => {
    const response = await createApp({
      tokens: false,
      store: reporting({ status: "down", reasons: ["no answer"] }),
    }).request("/health");
    expect(response.status).toBe(503);
  });
});

describe("problems", () => {
  it("answers 503 with the code when the store is closed", async () => {
    const store = memoryStore();
    await store.close();
    for (const path of ["/health", "/api/v1/training/stats"]) {
      const response = await createApp({ tokens: false, store }).request(path);
      expect(response.status).toBe(503);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(await response.json()).toEqual({
        type: "about:blank",
        title: "Service Unavailable",
        status: 503,
        code: "STORE_CLOSED",
        detail: "The store did not answer. Look at GET /health and try again.",
      });
    }
  });

  it("gives nothing of the error away, and hands it to onError", async () => {
    const failure = new StoreError("STORE_UNAVAILABLE", "redis://user:hunter2@db.internal did not answer");
    const seen: unknown[] = [];
    const app = createApp({ tokens: false, store: failing(failure), onError: (error) => seen.push(error) });
    expect(await (await app.request("/api/v1/training/stats")).text()).not.toMatch(/hunter2|internal/);
    expect(seen).toEqual([failure]);
  });

  it("answers 500 without detail for an error that is not ours", async () => {
    const response = await createApp({ tokens: false, store: failing(new Error("at /home/me/secret.js")) }).request(
      "/api/v1/training/stats",
    );
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: "INTERNAL", title: "Internal Server Error" });
  });

  it("answers 404 for a path that does not exist, whatever the method", async () => {
    const app = createApp({ tokens: false, store: memoryStore() });
    for (const [method, path] of [
      ["GET", "/"],
      ["POST", "/api/v1/training/nothing"],
      ["GET", "/api/v1/training/stats/../../../etc/passwd"],
    ] as const) {
      const response = await app.request(path, { method });
      expect(response.status).toBe(404);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(await response.json()).toMatchObject({ status: 404, code: "NO_ROUTE" });
    }
  });

  it("answers 405 and names the methods for a path that exists", async () => {
    const response = await createApp({ tokens: false, store: memoryStore() }).request("/api/v1/training/stats", {
      method: "DELETE",
    });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD");
    expect(await response.json()).toMatchObject({ code: "METHOD_NOT_ALLOWED" });
  });
});

describe("the host allow-list", () => {
  const ask = (host: string, allowedHosts?: readonly string[]) =>
    createApp({ tokens: false, store: memoryStore(), allowedHosts }).request("/health", { headers: { host } });

  it.each(["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:1"])(
    "answers %s",
    async (host) => {
      expect((await ask(host)).status).toBe(200);
    },
  );

  it.each([
    "evil.example",
    "localhost.evil.example",
    "evil.example:8000",
    "127.0.0.1.evil.example",
    "127.0.0.2",
    "localhost@evil.example",
    "localhost:8000:evil",
    "",
    "::1",
  ])("refuses %j before routing", async (host) => {
    const response = await ask(host);
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: "HOST_FORBIDDEN" });
  });

  it("refuses a foreign host for unknown paths and other methods too", async () => {
    const app = createApp({ tokens: false, store: memoryStore() });
    const headers = { host: "evil.example" };
    expect((await app.request("/nothing", { headers })).status).toBe(403);
    expect((await app.request("/health", { method: "OPTIONS", headers })).status).toBe(403);
  });

  it("reads the host of the URL where a runtime gives no Host header", async () => {
    const app = createApp({ tokens: false, store: memoryStore() });
    expect((await app.fetch(new Request("http://evil.example/health"))).status).toBe(403);
    expect((await app.fetch(new Request("http://localhost:3000/health"))).status).toBe(200);
  });

  it("answers for the hosts it was given, and no longer for loopback", async () => {
    expect((await ask("api.example.com", ["API.example.com"])).status).toBe(200);
    expect((await ask("localhost", ["api.example.com"])).status).toBe(403);
  });

  it.each(["https://api.example.com", "api.example.com:80", "*", ""])("refuses %j as a host name at once", (host) => {
    expect(() => createApp({ tokens: false, store: memoryStore(), allowedHosts: [host] })).toThrow(ConfigError);
  });
});

describe("over HTTP", () => {
  const servers: { close(): unknown }[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  it("serves in plain Node and refuses a rebinding page's Host", async () => {
    const store = memoryStore();
    await store.append([interaction()]);
    const port = await new Promise<number>((resolve) => {
      const app = createApp({ tokens: false, store });
      servers.push(
        serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, (info: AddressInfo) => {
          resolve(info.port);
        }),
      );
    });

    const url = `http://127.0.0.1:${port}/api/v1/training/stats`;
    expect(await (await fetch(url)).json()).toMatchObject({ total_interactions: 1 });
    expect((await fetch(url, { method: "HEAD" })).status).toBe(200);

    const status = await new Promise((resolve, reject) => {
      const sent = request(url, { headers: { host: "evil.example" } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on("error", reject).end();
    });
    expect(status).toBe(403);
  });
});

function reporting(health: Awaited<ReturnType<InteractionStore["health"]>>): InteractionStore {
  return { ...memoryStore(), health: async () => health };
}

function failing(error: Error): InteractionStore {
  return { ...memoryStore(), stats: () => Promise.reject(error) };
}
