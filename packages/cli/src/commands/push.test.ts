import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

const TOKEN = "hf_secretsecretsecret";

let cwd: string;
let url: string;
let created: object[];
let authorized: Set<string | undefined>;
let close: () => Promise<unknown>;

/** The calls of the Hub for small files; what they do is tested with `pushDataset`. */
beforeEach(async () => {
  created = [];
  authorized = new Set();
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    authorized.add(request.headers.authorization);
    const answer = (status: number, value: object) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    };
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return answer(401, { error: "Invalid token" });
    if (request.url === "/api/repos/create") {
      created.push(JSON.parse(body));
      return answer(200, { url, id: "1" });
    }
    if (request.url?.includes("/preupload/")) {
      const { files } = JSON.parse(body);
      return answer(200, { files: files.map(({ path }: { path: string }) => ({ path, uploadMode: "regular" })) });
    }
    if (request.url?.includes("/commit/")) return answer(200, { commitOid: "c0ffee", commitUrl: url, hookOutput: "" });
    return answer(404, { error: "Repository not found" });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = () => {
    server.closeAllConnections();
    return new Promise((closed) => server.close(closed));
  };
  cwd = temporaryFolder();
  await recorded(cwd, interaction({ interactionId: "a", qualityScores: { overall: 1 } }));
  await runJson(["dataset", "sft", "--out", "good"], { cwd });
});
afterEach(() => close());

it("uploads a folder with the token of the environment, as a private repository", async () => {
  const env = { HF_TOKEN: TOKEN, HF_ENDPOINT: url };
  const run = await runInProcess(["push", "good", "acme/good"], { cwd, env });
  expect(run).toEqual({
    exitCode: ExitCode.done,
    stdout: `3 files in ${url}/datasets/acme/good (private)\n`,
    stderr: "",
  });
  expect(created).toEqual([{ name: "good", organization: "acme", type: "dataset", visibility: "private" }]);
  expect([...authorized]).toEqual([`Bearer ${TOKEN}`]);
  expect(await runJson(["push", "good", "acme/good", "--public"], { cwd, env })).toMatchObject({
    repository: "acme/good",
    commit: "c0ffee",
    private: false,
  });
});

it("takes a token on the command line, and never shows one", async () => {
  const args = ["push", "good", "acme/good", "--token", "hf_wrongwrongwrong"];
  for (const more of [[], ["--json"]]) {
    const run = await runInProcess([...args, ...more], { cwd, env: { HF_ENDPOINT: url, WHETSTONE_DEBUG: "1" } });
    expect(run).toMatchObject({ exitCode: ExitCode.failed, stderr: expect.stringContaining("token may write") });
    expect(run.stdout + run.stderr).not.toContain("hf_wrong");
  }
  expect([...authorized]).toEqual(["Bearer hf_wrongwrongwrong"]);
});

it("sends nothing without a token, a folder of ours and a name", async () => {
  const env = { HF_ENDPOINT: url };
  const fails = async (...args: string[]) => (await runInProcess(["push", ...args], { cwd, env })).stderr;
  expect(await fails("good", "acme/good")).toContain("set HF_TOKEN");
  expect(await fails("good", "good", "--token", TOKEN)).toContain("names no repository");
  expect(await fails(".", "acme/good", "--token", TOKEN)).toContain("choose another path");
  expect([...authorized]).toEqual([]);
});
