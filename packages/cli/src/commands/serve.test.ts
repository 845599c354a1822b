import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createAccessToken } from "@whetstone/server";
import { describe, expect, it } from "vitest";
import { command, spawned } from "../testing/spawn-cli.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

/** Starts `whetstone serve` in a folder; `url` is what its first line says, or null when it ends before. */
async function serve(cwd: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const { child, end } = spawned([...command, "serve", "--port", "0", "--json", ...args], { cwd, env });
  const url = await new Promise<string | null>((resolve) => {
    child.stdout?.once("data", (line: string) => resolve((JSON.parse(line) as { url: string }).url));
    void end.then(() => resolve(null));
  });
  return { url, child, end };
}

/** The token file of a folder, with the given lines in it. */
function tokenFile(cwd: string, ...lines: readonly string[]): string {
  mkdirSync(join(cwd, ".whetstone-server"), { recursive: true });
  const file = join(cwd, ".whetstone-server", "token");
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 });
  return file;
}

const stats = async (url: string | null, token: string) =>
  (await fetch(`${url}/api/v1/training/stats`, { headers: { authorization: `Bearer ${token}` } })).status;

describe("whetstone serve", () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "makes a token that only its owner reads, answers with it, and stops on %s",
    async (signal) => {
      const cwd = temporaryFolder();
      const { url, child, end } = await serve(cwd);
      const file = join(cwd, ".whetstone-server", "token");
      const token = readFileSync(file, "utf8").trim();
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readFileSync(join(cwd, ".whetstone-server", ".gitignore"), "utf8")).toBe("*\n");

      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect(await stats(url, token)).toBe(200);
      expect(await stats(url, createAccessToken())).toBe(401);
      expect((await fetch(`${url}/docs`)).status).toBe(200);
      child.kill(signal);
      const { code, stdout, stderr } = await end;
      expect([code, stderr]).toEqual([0, ""]);
      expect(JSON.parse(stdout)).toMatchObject({ url, token_from: join(".whetstone-server", "token") });
      expect(stdout).not.toContain(token);
    },
  );

  it("takes the tokens and scopes of the file, and of WHETSTONE_TOKEN", async () => {
    const cwd = temporaryFolder();
    const [reader, logger, own] = [createAccessToken(), createAccessToken(), createAccessToken()];
    tokenFile(cwd, "# who reads", `${reader} read`, `${logger} log, delete`);
    const fromFile = await serve(cwd);
    expect([await stats(fromFile.url, reader), await stats(fromFile.url, logger)]).toEqual([200, 403]);
    const fromEnv = await serve(cwd, [], { WHETSTONE_TOKEN: own });
    expect([await stats(fromEnv.url, own), await stats(fromEnv.url, reader)]).toEqual([200, 401]);
    for (const { child, end } of [fromFile, fromEnv]) {
      child.kill("SIGTERM");
      const { stdout, stderr } = await end;
      expect(stdout + stderr).not.toContain("wst_");
    }
  });

  it("saves into the data root", async () => {
    const cwd = temporaryFolder();
    const { url } = await serve(cwd, ["--data-root", "data"]);
    const token = readFileSync(join(cwd, ".whetstone-server", "token"), "utf8").trim();
    const response = await fetch(`${url}/api/v1/training/script/generate`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ script_type: "sft", dataset_path: "sft.jsonl", save_to_file: "train-sft.py" }),
    });
    expect(await response.json()).toMatchObject({ saved_to: "train-sft.py" });
    expect(existsSync(join(cwd, "data", "train-sft.py"))).toBe(true);
  });

  it.each([
    [
      "a token file that others may read",
      [],
      1,
      /chmod 600/,
      (cwd: string) => chmodSync(tokenFile(cwd, createAccessToken()), 0o644),
    ],
    ["a weak token", [], 2, /too easy to guess/, (cwd: string) => tokenFile(cwd, "password")],
    [
      "an unknown scope",
      [],
      1,
      /a scope that is none/,
      (cwd: string) => tokenFile(cwd, `${createAccessToken()} write`),
    ],
    ["an empty token file", [], 1, /there is no token/, (cwd: string) => tokenFile(cwd, "")],
    ["an address beyond this machine", ["--host", "0.0.0.0"], 2, /--behind-proxy/, () => {}],
  ] as const)("refuses %s", async (_name, args, code, message, prepare) => {
    const cwd = temporaryFolder();
    prepare(cwd);
    const { end } = await serve(cwd, args);
    const { code: actual, stderr } = await end;
    expect(actual).toBe(code);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/wst_|password/);
  });

  it("says that the port is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as AddressInfo;
    const { end } = await serve(temporaryFolder(), ["--port", String(port)]);
    expect(await end).toMatchObject({ code: 1, stderr: expect.stringContaining(`port ${port} is taken`) });
    other.close();
  });
});
