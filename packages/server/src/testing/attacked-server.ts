import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type IncomingHttpHeaders, request } from "node:http";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { AttackedOptions, Measured } from "./attacked-server.fixture.js";
import { atTheEnd, temporaryFolder, tokens } from "./server-fixture.js";

const fixture = fileURLToPath(new URL("attacked-server.fixture.ts", import.meta.url));
const tsconfig = fileURLToPath(new URL("../../tsconfig.json", import.meta.url));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** An answer as the wire had it. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A server in a process of its own, so that its memory, its event loop and what it prints are its alone. */
export async function attackedServer({ prompts = 3, pauseMs = 0 }: Partial<AttackedOptions> = {}) {
  const dataRoot = temporaryFolder();
  const options: AttackedOptions = {
    tokens: [
      { token: tokens.all },
      ...(["read", "build", "delete", "log"] as const).map((scope) => ({ token: tokens[scope], scopes: [scope] })),
    ],
    dataRoot,
    prompts,
    pauseMs,
  };
  const child = spawn(process.execPath, ["--import", tsx, fixture, JSON.stringify(options)], {
    env: { PATH: process.env.PATH, TSX_TSCONFIG_PATH: tsconfig },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let printed = "";
  for (const output of [child.stdout, child.stderr]) output?.on("data", (text: Buffer) => (printed += text.toString()));
  atTheEnd(() => child.kill("SIGKILL"));
  await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => Promise.reject(new Error(`the server did not start: ${printed}`))),
  ]);
  const before = await measured(child);
  const { url } = before;
  return {
    url,
    dataRoot,
    printed: () => printed,
    send: (method: string, path: string, options: SendOptions = {}) => send(`${url}${path}`, method, options),
    raw: (text: string) => raw(url, text),
    /** What the attack cost, printed. */
    async cost(attack: string) {
      const { rssMb, delayMaxMs, polluted } = await measured(child);
      console.info(`${attack}: ${before.rssMb} → ${rssMb} MB, event loop held up ${delayMaxMs} ms at most`);
      return { grownMb: rssMb - before.rssMb, delayMaxMs, polluted };
    },
  };
}

export interface SendOptions {
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** One request with node:http, which unlike fetch sends any Host and Origin. */
function send(url: string, method: string, { token = tokens.all, headers, body }: SendOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method,
      agent: false,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
        ...headers,
      },
    });
    sent.on("error", reject);
    sent.on("response", async (response) => {
      let text = "";
      try {
        for await (const chunk of response) text += String(chunk);
      } catch (error) {
        return reject(error);
      }
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
    sent.end(body);
  });
}

/** Sends text as it is over a connection, and resolves with the answer once the server closes it. */
function raw(url: string, text: string): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (chunk) => (answer += chunk.toString()));
    socket.on("error", () => {});
    socket.on("close", () => {
      const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
      const type = /content-type: (\S+)/i.exec(answer)?.[1];
      resolve({ status, headers: { "content-type": type }, text: answer.split("\r\n\r\n").slice(1).join("\n") });
    });
  });
}

async function measured(child: ChildProcess): Promise<Measured> {
  child.send("measure");
  const [message] = (await once(child, "message")) as [Measured];
  return message;
}
