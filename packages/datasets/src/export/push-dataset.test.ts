import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { interaction, storeOf } from "../recorded.fixture.js";
import { buildSftDataset } from "../sft.js";
import { writeDataset } from "../write-dataset.js";
import { exportDataset } from "./export-dataset.js";
import { pushDataset } from "./push-dataset.js";

const TOKEN = "hf_secretsecretsecret";

interface Hub {
  readonly url: string;
  readonly repositories: Map<string, { private: boolean; files: Map<string, Buffer>; commits: string[] }>;
  readonly calls: string[];
  /** Files of at least so many bytes go to the store for large files. */
  largeFrom: number;
  server: Server;
}

/** A server that speaks the calls of the Hub that an upload makes: look, create, pre-upload, large files, commit. */
async function startHub(): Promise<Hub> {
  const repositories: Hub["repositories"] = new Map();
  const large = new Map<string, Buffer>();
  const calls: string[] = [];
  const server = createServer(async (request, response) => {
    const { method = "", url = "" } = request;
    const answer = (status: number, body: object) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    calls.push(`${method} ${url}`);
    const body = await bodyOf(request);
    if (url.startsWith("/large/")) {
      large.set(url.slice("/large/".length), body);
      return answer(200, {});
    }
    if (request.headers.authorization !== `Bearer ${TOKEN}`)
      return answer(401, { error: `no: ${request.headers.authorization}` });
    const [, name = "", action = ""] = /^\/(?:api\/)?datasets\/([^/]+\/[^/.]+)(.*)$/.exec(url) ?? [];
    if (url === "/api/repos/create") {
      const { organization, name: short, visibility, type } = JSON.parse(body.toString());
      if (organization !== "acme" || type !== "dataset") return answer(403, { error: "not yours" });
      repositories.set(`${organization}/${short}`, {
        private: visibility === "private",
        files: new Map(),
        commits: [],
      });
      return answer(200, { url: `${hub.url}/datasets/${organization}/${short}`, id: "1" });
    }
    const repository = repositories.get(name);
    if (!repository) return answer(404, { error: "Repository not found" });
    if (action === "") return answer(200, { id: name, private: repository.private });
    if (action.startsWith("/preupload/main")) {
      const { files } = JSON.parse(body.toString()) as { files: { path: string; size: number }[] };
      const modeOf = (size: number) => (size >= hub.largeFrom ? "lfs" : "regular");
      return answer(200, { files: files.map(({ path, size }) => ({ path, uploadMode: modeOf(size) })) });
    }
    if (action === ".git/info/lfs/objects/batch") {
      const { objects } = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] };
      const upload = (oid: string) => ({ upload: { href: `${hub.url}/large/${oid}` } });
      return answer(200, {
        transfer: "basic",
        objects: objects.map((each) => ({ ...each, actions: upload(each.oid) })),
      });
    }
    if (action === "/commit/main") {
      for (const line of body.toString().split("\n")) {
        const { key, value } = JSON.parse(line);
        if (key === "header") repository.commits.push(value.summary);
        if (key === "file") repository.files.set(value.path, Buffer.from(value.content, "base64"));
        if (key === "lfsFile") repository.files.set(value.path, large.get(value.oid) ?? Buffer.from("missing"));
      }
      return answer(200, { commitOid: "c0ffee", commitUrl: `${hub.url}/c0ffee`, hookOutput: "" });
    }
    return answer(404, { error: `no such call: ${url}` });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const hub: Hub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    repositories,
    calls,
    largeFrom: 10_000_000,
    server,
  };
  return hub;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

let folder: string;
let hub: Hub;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "whetstone-push-"));
  hub = await startHub();
  const store = await storeOf([interaction({ overall: 1, answer: "é".repeat(20_000) })]);
  await writeDataset(buildSftDataset(store), join(folder, "sft"));
});
afterEach(async () => {
  hub.server.closeAllConnections();
  await new Promise((closed) => hub.server.close(closed));
  rmSync(folder, { recursive: true });
});

const push = (name = "acme/support", options: Parameters<typeof pushDataset>[2] = {}) =>
  pushDataset(join(folder, "sft"), name, { token: TOKEN, hubUrl: hub.url, ...options });

it("makes a private repository and uploads the whole folder in one commit", async () => {
  expect(await push()).toEqual({
    repository: "acme/support",
    url: `${hub.url}/datasets/acme/support`,
    commit: "c0ffee",
    isPrivate: true,
    files: expect.arrayContaining(["README.md", "manifest.json", "train.jsonl"]),
  });
  const repository = hub.repositories.get("acme/support");
  expect(repository).toMatchObject({ private: true, commits: ["Upload sft"] });
  expect([...(repository?.files.keys() ?? [])].sort()).toEqual(["README.md", "manifest.json", "train.jsonl"]);
  for (const [name, content] of repository?.files ?? []) {
    expect(content.equals(readFileSync(join(folder, "sft", name)))).toBe(true);
  }
});

it("sends large files by way of the store for large files", async () => {
  hub.largeFrom = 10_000;
  await push();
  const content = readFileSync(join(folder, "sft", "train.jsonl"));
  expect(hub.repositories.get("acme/support")?.files.get("train.jsonl")?.equals(content)).toBe(true);
  expect(hub.calls).toContain(`PUT /large/${createHash("sha256").update(content).digest("hex")}`);
});

it("commits to a repository that is there, without making it again", async () => {
  await push();
  await push("acme/support", { title: "Tuesday" });
  expect(hub.repositories.get("acme/support")?.commits).toEqual(["Upload sft", "Tuesday"]);
  expect(hub.calls.filter((call) => call.endsWith("/create"))).toHaveLength(1);
});

it("makes nothing public that it was not told to", async () => {
  hub.repositories.set("acme/open", { private: false, files: new Map(), commits: [] });
  await expect(push("acme/open")).rejects.toThrow(/acme\/open is public/);
  expect(hub.repositories.get("acme/open")?.commits).toEqual([]);
  expect(await push("acme/open", { isPublic: true })).toMatchObject({ isPrivate: false });
  expect(await push("acme/new", { isPublic: true })).toMatchObject({ isPrivate: false });
  expect(hub.repositories.get("acme/new")?.private).toBe(false);
});

it("pushes a Parquet export too, and no folder that holds anything else", async () => {
  await exportDataset(join(folder, "sft"), join(folder, "parquet"), { to: "parquet" });
  const options = { token: TOKEN, hubUrl: hub.url };
  expect((await pushDataset(join(folder, "parquet"), "acme/p", options)).files).toContain("train.parquet");
  await exportDataset(join(folder, "sft"), join(folder, "together"), { to: "together" });
  await expect(pushDataset(join(folder, "together"), "acme/t", options)).rejects.toThrow(
    /no dataset folder with a card/,
  );
  writeFileSync(join(folder, "sft", ".env"), "KEY=1");
  await expect(push("acme/q")).rejects.toThrow(/holds "\.env"/);
  expect(hub.repositories.has("acme/q")).toBe(false);
});

it("says why the Hub refused, and never what the token is", async () => {
  const wrong = "hf_wrongwrongwrong";
  const failure = await push("acme/support", { token: wrong }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "DATASET_PUSH_FAILED", message: expect.stringMatching(/token may write/) });
  expect(JSON.stringify([failure, (failure as Error).message, (failure as Error).stack])).not.toContain(wrong);
  await expect(push("others/support")).rejects.toThrow(/not yours.*check that the token may write/);
  await expect(push("acme/support", { hubUrl: "http://127.0.0.1:9" })).rejects.toMatchObject({
    code: "DATASET_PUSH_FAILED",
  });
});

it("refuses what cannot work before anything is sent", async () => {
  await expect(push("support")).rejects.toThrow(/names no repository/);
  await expect(push("acme/sup port")).rejects.toThrow(/names no repository/);
  await expect(push("acme/support", { token: "" })).rejects.toThrow(/set HF_TOKEN/);
  expect(hub.calls).toEqual([]);
});

it("says that a folder is not there, and not that it could not be written", async () => {
  await expect(pushDataset(join(folder, "nowhere"), "acme/x", { token: TOKEN })).rejects.toThrow(
    /there is no folder .*nowhere: name a folder that a build wrote/,
  );
});
