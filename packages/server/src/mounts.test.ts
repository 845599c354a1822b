import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { memoryStore } from "@whetstone/core";
import express from "express";
import Fastify from "fastify";
import { NextRequest } from "next/server.js";
import { expect, it } from "vitest";
import { createApp } from "./app.js";
import { recordAnswers } from "./testing/recorded-answers.js";
import { API, atTheEnd, tokens } from "./testing/server-fixture.js";

const authorization = `Bearer ${tokens.all}`;

async function recordedApp() {
  const store = memoryStore();
  await recordAnswers(store, { prompts: 2, answers: 4 });
  return createApp({ store, tokens: tokens.all });
}

/** Asks for what reads, what builds, what streams and what is refused, whatever stands in front of the app. */
async function expectToWork(ask: (path: string, init?: RequestInit) => Promise<Response>): Promise<void> {
  const stats = await ask(`${API}/stats`, { headers: { authorization } });
  expect([stats.status, await stats.json()]).toMatchObject([200, { total_interactions: 8 }]);
  const json = { authorization, "content-type": "application/json" };
  const built = await ask(`${API}/dataset/sft`, { method: "POST", headers: json, body: '{"min_quality":0.5}' });
  expect([built.status, await built.json()]).toMatchObject([200, { count: 4 }]);
  const rows = await ask(`${API}/dataset/dpo`, {
    method: "POST",
    headers: { ...json, accept: "application/x-ndjson" },
    body: "{}",
  });
  expect((await rows.text()).trimEnd().split("\n")).toHaveLength(2);
  const large = await ask(`${API}/dataset/sft`, { method: "POST", headers: json, body: `"${"x".repeat(1_100_000)}"` });
  expect([large.status, large.headers.get("content-type")]).toEqual([413, "application/problem+json"]);
  expect((await ask(`${API}/stats`)).status).toBe(401);
  expect((await ask("/openapi.json")).status).toBe(200);
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atTheEnd(() => new Promise((resolve) => server.close(resolve)));
  atTheEnd(() => server.closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it("mounts in plain Node", async () => {
  const app = await recordedApp();
  const url = await listening(createServer(getRequestListener(app.fetch)));
  await expectToWork((path, init) => fetch(`${url}${path}`, init));
});

it("mounts in Express, under a path of its own", async () => {
  const app = await recordedApp();
  const site = express();
  site.use("/whetstone", getRequestListener(app.fetch));
  site.get("/", (_request, response) => void response.send("the site"));
  const url = await listening(createServer(site));
  await expectToWork((path, init) => fetch(`${url}/whetstone${path}`, init));
  expect(await (await fetch(url)).text()).toBe("the site");
});

it("mounts in Fastify", async () => {
  const app = await recordedApp();
  const site = Fastify();
  await site.register(async (scope) => {
    const handle = getRequestListener(app.fetch);
    // The app reads and checks bodies itself.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _body, done) => done(null));
    scope.all("/*", (request, reply) => {
      reply.hijack();
      return handle(request.raw, reply.raw);
    });
  });
  await site.listen({ host: "127.0.0.1", port: 0 });
  atTheEnd(() => site.close());
  const { port } = site.server.address() as AddressInfo;
  await expectToWork((path, init) => fetch(`http://127.0.0.1:${port}${path}`, init));
});

it("mounts in route handlers of Next", async () => {
  const app = await recordedApp();
  // app/[...path]/route.ts
  const handle = (request: Request) => app.fetch(request);
  const route: Readonly<Record<string, (request: NextRequest) => Response | Promise<Response>>> = {
    GET: handle,
    POST: handle,
    DELETE: handle,
  };
  await expectToWork(async (path, { signal: _, ...init } = {}) => {
    const request = new NextRequest(`http://localhost:3000${path}`, init);
    const handler = route[request.method];
    if (!handler) throw new Error(`there is no handler for ${request.method}`);
    return handler(request);
  });
});

it("mounts in a fetch server such as Bun's and Deno's", async () => {
  const app = await recordedApp();
  const server = { port: 3000, fetch: app.fetch };
  // Bun hands its server in as the second argument.
  await expectToWork(async (path, init) =>
    server.fetch(new Request(`http://localhost:3000${path}`, init), { upgrade() {} }),
  );
});
