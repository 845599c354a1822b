import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

export interface RedisServerOptions {
  /** Lines of redis.conf by name, such as `{ maxmemory: "20mb" }`. They stand behind our own, so they win. */
  readonly config?: Readonly<Record<string, string>> | undefined;
  /** Makes the server a replica of this one from the start. */
  readonly replicaOf?: RedisServer | undefined;
  /** Speaks TLS only, with a certificate of a throw-away authority: see `ca`. */
  readonly tls?: boolean | undefined;
  /** A port of your own. Default: a free one. */
  readonly port?: number | undefined;
}

/** A real redis-server in a temporary folder, on loopback. Every write is in its append-only file before it is answered. */
export interface RedisServer extends AsyncDisposable {
  /** `redis://127.0.0.1:PORT`, or `rediss://…`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Of the running process; 0 when none runs. */
  readonly pid: number;
  readonly folder: string;
  /** The authority's certificate of a TLS server, PEM. */
  readonly ca: string | undefined;
  /** Runs redis-cli and gives what it printed. @throws when Redis answers with an error */
  cli(...command: readonly string[]): Promise<string>;
  /** `CONFIG SET`. */
  configure(name: string, value: string): Promise<void>;
  /** SIGKILL. What was answered stays on disk. */
  kill(): Promise<void>;
  /** SIGTERM: a clean end. */
  terminate(): Promise<void>;
  /** Starts it again on the same port after its end; `empty` without its data. */
  start(options?: { readonly empty?: boolean; readonly waitUntilReady?: boolean }): Promise<void>;
  /** SIGSTOP: it hangs, and its connections stay open. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** What it logged. */
  log(): string;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** True when there is a redis-server on PATH to start. */
export function hasRedisServer(): boolean {
  try {
    execFileSync("redis-server", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Starts a redis-server of its own. `npm test` installs the program where it is missing. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const { config = {}, replicaOf, tls = false } = options;
  const port = options.port ?? (await freePort());
  const folder = mkdtempSync(join(tmpdir(), "whetstone-redis-"));
  const ca = tls ? makeCertificates(folder) : undefined;
  writeConfig(folder, { port, config, replicaOf, tls });
  let child: ChildProcess | null = null;

  async function start({ empty = false, waitUntilReady = true } = {}): Promise<void> {
    if (child) throw new Error(`redis-server on port ${port} runs already`);
    if (empty) for (const name of ["dump.rdb", "appendonlydir"]) rmSync(join(folder, name), REMOVE);
    const started = spawn("redis-server", [join(folder, "redis.conf")], { cwd: folder, stdio: "ignore" });
    child = started;
    running.add(started);
    let failed: Error | undefined;
    started.once("error", (error) => {
      failed = new Error(`redis-server does not start (${error.message}): install it, or run \`npm test\`, which does`);
    });
    started.once("close", () => {
      running.delete(started);
      if (child === started) child = null;
    });
    for (let tries = 0; waitUntilReady && !(await answersPing()); tries++) {
      if (failed) throw failed;
      if (child !== started || tries > 600) throw new Error(`redis-server on port ${port} does not come up:\n${log()}`);
      await sleep(10 + tries);
    }
  }

  async function cli(...command: readonly string[]): Promise<string> {
    const security = tls ? ["--tls", "--cacert", join(folder, "ca.crt")] : [];
    const password = config.requirepass === undefined ? [] : ["--no-auth-warning", "-a", config.requirepass];
    const found = await run("redis-cli", ["-e", "-h", HOST, "-p", String(port), ...security, ...password, ...command]);
    return found.stdout.trimEnd();
  }

  async function answersPing(): Promise<boolean> {
    // A replica that waits for its primary answers too; LOADING does not count.
    return cli("ping").then(
      (answer) => answer === "PONG",
      (error: unknown) => /NOAUTH|NOPERM|WRONGPASS/.test(String(error)),
    );
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child;
    if (!ending) return;
    const closed = new Promise((resolve) => ending.once("close", resolve));
    ending.kill(signal);
    if (signal !== "SIGKILL") ending.kill("SIGCONT"); // a stopped process does not hear SIGTERM
    await closed;
  }

  const log = () => readFileSync(join(folder, "redis.log"), { encoding: "utf8", flag: "a+" });

  async function stop(): Promise<void> {
    await end("SIGKILL");
    rmSync(folder, REMOVE);
  }

  await start().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    url: `${tls ? "rediss" : "redis"}://${HOST}:${port}`,
    host: HOST,
    port,
    get pid() {
      return child?.pid ?? 0;
    },
    folder,
    ca,
    cli,
    async configure(name, value) {
      await cli("config", "set", name, value);
    },
    kill: () => end("SIGKILL"),
    terminate: () => end("SIGTERM"),
    start,
    pause: () => void child?.kill("SIGSTOP"),
    resume: () => void child?.kill("SIGCONT"),
    log,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

const HOST = "127.0.0.1";
const REMOVE = { recursive: true, force: true } as const;
const run = promisify(execFile);

/** Whatever ends this process, its servers end too. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, HOST, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no free port was found");
  return address.port;
}

function writeConfig(
  folder: string,
  { port, config, replicaOf, tls }: RedisServerOptions & { readonly port: number },
): void {
  const lines: Record<string, string> = {
    bind: HOST,
    port: String(port),
    dir: folder,
    logfile: join(folder, "redis.log"),
    save: '""',
    appendonly: "yes",
    // The system survives in these tests, only processes die: what is written need not be on the disk itself.
    appendfsync: "no",
    "repl-diskless-sync-delay": "0",
  };
  if (tls) {
    Object.assign(lines, {
      port: "0",
      "tls-port": String(port),
      "tls-cert-file": join(folder, "server.crt"),
      "tls-key-file": join(folder, "server.key"),
      "tls-ca-cert-file": join(folder, "ca.crt"),
      "tls-auth-clients": "no",
    });
  }
  if (replicaOf) lines.replicaof = `${replicaOf.host} ${replicaOf.port}`;
  const text = Object.entries({ ...lines, ...config }).map(([name, value]) => `${name} ${value}\n`);
  appendFileSync(join(folder, "redis.conf"), text.join(""));
}

/** A throw-away authority and a certificate of 127.0.0.1, made by openssl. Returns the authority's certificate. */
function makeCertificates(folder: string): string {
  const openssl = (...command: readonly string[]) => execFileSync("openssl", command, { cwd: folder, stdio: "ignore" });
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...curve, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=test authority");
  openssl("req", ...curve, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1");
  appendFileSync(join(folder, "san.cnf"), "subjectAltName=IP:127.0.0.1\n");
  const signing = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san.cnf"];
  openssl("x509", "-req", "-in", "server.csr", ...signing, "-out", "server.crt", "-days", "2");
  return readFileSync(join(folder, "ca.crt"), "utf8");
}
