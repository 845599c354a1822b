import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { memoryStore } from "@whetstone/core";
import openapiTypescript, { astToString } from "openapi-typescript";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { createApp } from "./app.js";
import { interaction } from "./testing/recorded-answers.js";
import { startServer, temporaryFolder, tokens } from "./testing/server-fixture.js";

const packageFolder = fileURLToPath(new URL("..", import.meta.url));

async function documentText(): Promise<string> {
  const response = await createApp({ store: memoryStore(), tokens: tokens.all }).request("/openapi.json");
  expect(response.status).toBe(200);
  return response.text();
}

describe("/openapi.json", () => {
  it("is OpenAPI 3.1 in which a linter finds nothing to say", async () => {
    const text = await documentText();
    expect(JSON.parse(text)).toMatchObject({ openapi: "3.1.0" });
    const config = await createConfig({ extends: ["recommended-strict"] });
    const problems = await lintFromString({ source: text, config, absoluteRef: "openapi.json" });
    const told = problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`);
    expect(told).toEqual([]);
  });

  it("names the scope of every operation but the public one", async () => {
    const { paths } = JSON.parse(await documentText()) as {
      paths: Record<string, Record<string, { security: Record<string, string[]>[]; operationId: string }>>;
    };
    const scopes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { security }]) => `${method} ${path} ${security[0]?.bearer ?? "public"}`),
    );
    expect(scopes).toEqual([
      "get /health public",
      "get /api/v1/training/stats read",
      "post /api/v1/training/interactions/query read",
      "post /api/v1/training/interactions log",
      "post /api/v1/training/interactions/{interaction_id}/feedback log",
      "delete /api/v1/training/interactions/cleanup delete",
      "get /api/v1/training/dataset/stats read",
      "post /api/v1/training/dataset/sft build",
      "post /api/v1/training/dataset/dpo build",
      "post /api/v1/training/dataset/grpo build",
      "post /api/v1/training/dataset/grpo-online build",
      "post /api/v1/training/dataset/kto build",
      "post /api/v1/training/dataset/reward build",
      "post /api/v1/training/script/generate build",
    ]);
  });

  it("gives a TypeScript client that type-checks and works against the server", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(join(packageFolder, "node_modules", "openapi-fetch"), join(folder, "node_modules", "openapi-fetch"));
    const source = JSON.parse(await documentText()) as Parameters<typeof openapiTypescript>[0];
    writeFileSync(join(folder, "api.ts"), astToString(await openapiTypescript(source)));
    writeFileSync(join(folder, "client.ts"), CLIENT);
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    expect(typeErrors(join(folder, "client.ts"))).toEqual([]);

    const { url, store } = await startServer();
    await store.append([interaction({ qualityScores: { overall: 0.9 } })]);
    const { outputText } = ts.transpileModule(CLIENT, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    writeFileSync(join(folder, "client.mjs"), outputText);
    const { useApi } = (await import(pathToFileURL(join(folder, "client.mjs")).href)) as {
      useApi: (url: string, token: string) => Promise<unknown>;
    };
    expect(await useApi(url, tokens.all)).toEqual({
      total: 1,
      queries: [expect.stringContaining("What is")],
      rows: 1,
      sftSamples: 1,
      logged: "stored",
      problem: "TOKEN_INVALID",
    });
  });
});

/** What a user writes with the generated types. Each line that has to be refused by the compiler says so. */
const CLIENT = `
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

/** The builds can also stream: this client wants JSON. */
type Media = "application/json" | "application/problem+json";

export async function useApi(baseUrl: string, token: string) {
  const client = createClient<paths, Media>({ baseUrl, headers: { authorization: \`Bearer \${token}\` } });
  const stats = await client.GET("/api/v1/training/stats");
  const found = await client.POST("/api/v1/training/interactions/query", {
    body: { high_quality_only: true, start_time: "2020-01-01", agent_type: ["math"], limit: 10 },
  });
  const built = await client.POST("/api/v1/training/dataset/sft", { body: { min_quality: 0.8, days_back: 30 } });
  const potential = await client.GET("/api/v1/training/dataset/stats", { params: { query: { days_back: 30 } } });
  const logged = await client.POST("/api/v1/training/interactions", {
    body: { query: "q", answer: "a", agent_type: "math" },
  });
  const stranger = createClient<paths, Media>({ baseUrl, headers: { authorization: "Bearer wrong" } });
  const refused = await stranger.GET("/api/v1/training/stats");

  // @ts-expect-error a quality is a number
  void (() => client.POST("/api/v1/training/dataset/sft", { body: { min_quality: "high" } }));
  // @ts-expect-error it is one of two words
  void (() => client.POST("/api/v1/training/dataset/dpo", { body: { control_tokens: "maybe" } }));
  // @ts-expect-error a script has a type
  void (() => client.POST("/api/v1/training/script/generate", { body: { dataset_path: "d" } }));
  // @ts-expect-error there is no such path
  void (() => client.GET("/api/v1/training/nothing"));

  const queries: string[] = (found.data?.interactions ?? []).map(({ query }) => query);
  return {
    total: stats.data?.total_interactions satisfies number | undefined,
    queries,
    rows: built.data?.count,
    sftSamples: potential.data?.potential_datasets.sft_samples,
    logged: logged.data?.status,
    problem: refused.error?.code,
  };
}
`;

function typeErrors(file: string): readonly string[] {
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2023,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts"],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    noEmit: true,
    types: [],
  });
  return ts.getPreEmitDiagnostics(program).map(({ messageText, file: at, start = 0 }) => {
    const line = at ? at.getLineAndCharacterOfPosition(start).line + 1 : 0;
    return `${line}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
  });
}

describe("/docs", () => {
  it("shows every operation and shape without a script or anybody else's address", async () => {
    const app = createApp({ store: memoryStore(), tokens: tokens.all });
    const response = await app.request("/docs");
    const html = await response.text();
    expect(response.headers.get("content-type")).toContain("text/html");
    expect(response.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-/);
    const { paths, components } = JSON.parse(await documentText()) as {
      paths: Record<string, Record<string, { operationId: string }>>;
      components: { schemas: object };
    };
    for (const [path, methods] of Object.entries(paths)) {
      expect(html).toContain(`<code>${path}</code>`);
      for (const { operationId } of Object.values(methods)) {
        expect(html).toContain(`href="#${operationId}"`);
        expect(html).toContain(`id="${operationId}"`);
      }
    }
    for (const name of Object.keys(components.schemas)) expect(html).toContain(`id="shape-${name}"`);
    expect(html).not.toMatch(/<script|<img|<link|https?:\/\/|undefined|\[object/i);
    expect(html).not.toMatch(/ or <|<code>null/);
    const links = [...html.matchAll(/href="#([^"]+)"/g)].map(([, target]) => target);
    for (const target of links) expect(html).toContain(`id="${target}"`);
  });
});
