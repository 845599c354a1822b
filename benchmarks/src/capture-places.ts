import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hasRedisServer, startRedis } from "@whetstone/core/testing";
import type { RecorderName } from "./capture-recorders.js";
import type { CaptureRun } from "./capture-task.js";

/** Where the recorders deliver to: folders, a Redis server and, for the others, a server that only takes bytes. */
export interface Places {
  /** False for Redis where no server could be started. */
  has(name: RecorderName): boolean;
  /** Runs one phase of one recorder in a process of its own. While `away`, what it delivers to is down or hangs. */
  run(name: RecorderName, phase: string, options: RunOptions): Promise<CaptureRun>;
  close(): Promise<void>;
}

export interface RunOptions {
  readonly amount: number;
  readonly rate?: number | undefined;
  readonly away?: "down" | "hung" | undefined;
}

/** Recorders that deliver nothing. */
const SILENT: readonly RecorderName[] = ["bare", "closure"];
/** Recorders that deliver to a folder. */
const ON_DISK: readonly RecorderName[] = ["written", "file"];

/** What can be taken away from a recorder and be given back. */
interface Place {
  readonly url: string;
  leave(how: "down" | "hung"): Promise<unknown>;
  comeBack(): Promise<unknown>;
  /** Forgets what it holds, and says how many calls that was where it knows. */
  empty(): Promise<number | undefined>;
  close(): Promise<unknown>;
}

/** Opens them all. Without a redis-server on PATH there is no Redis. */
export async function openPlaces(): Promise<Places> {
  const sink = await openSink();
  const redis = hasRedisServer() ? await openRedis() : null;

  return {
    has: (name) => name !== "redis" || redis !== null,
    async run(name, phase, { amount, rate = 0, away }) {
      const folder = mkdtempSync(join(tmpdir(), "whetstone-capture-"));
      const place = name === "redis" && redis ? redis : sink;
      const url = ON_DISK.includes(name) ? join(folder, "store") : place.url;
      // The spool of a store elsewhere lies below the working folder.
      const task = start("capture-task.ts", [name, phase, url, String(amount), String(rate)], folder);
      try {
        const result = await new Promise<CaptureRun>((resolve, reject) => {
          task.on("message", async (told: "ready" | "loaded" | CaptureRun) => {
            if (typeof told === "object") return resolve(told);
            await (told === "ready" && away ? place.leave(away) : place.comeBack());
            task.send("go on");
          });
          task.on("error", reject);
          task.on("exit", (code) => reject(new Error(`${name}, ${phase}: exit code ${code} and no result`)));
        });
        await sleep(100); // what is on its way to the sink is counted too
        return { ...result, arrived: SILENT.includes(name) ? undefined : (result.arrived ?? (await place.empty())) };
      } finally {
        await place.empty();
        rmSync(folder, { recursive: true, force: true });
      }
    },
    async close() {
      await Promise.all([sink.close(), redis?.close()]);
    },
  };
}

async function openSink(): Promise<Place> {
  const server = start("capture-sink.ts", [], tmpdir());
  const ask = async (what: "down" | "up" | "count") => {
    server.send(what);
    return (await once(server, "message"))[0] as number;
  };
  const [port] = await once(server, "message");
  let how: "down" | "hung" | undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    async leave(given) {
      how = given;
      await (given === "down" ? ask("down") : server.kill("SIGSTOP"));
    },
    async comeBack() {
      await (how === "down" ? ask("up") : server.kill("SIGCONT"));
    },
    empty: () => ask("count"),
    async close() {
      server.disconnect();
      await once(server, "exit");
    },
  };
}

async function openRedis(): Promise<Place> {
  const server = await startRedis();
  let how: "down" | "hung" | undefined;
  return {
    url: server.url,
    async leave(given) {
      how = given;
      await (given === "down" ? server.terminate() : server.pause());
    },
    async comeBack() {
      await (how === "down" ? server.start() : server.resume());
    },
    async empty() {
      await server.cli("flushall");
      return undefined;
    },
    close: () => server.stop(),
  };
}

/** A process of its own, away from the tsconfig that leads to the packages' sources: what is built is measured. */
function start(file: string, args: readonly string[], cwd: string) {
  return fork(new URL(file, import.meta.url), args, {
    cwd,
    execArgv: ["--expose-gc", "--import", import.meta.resolve("tsx")],
  });
}
