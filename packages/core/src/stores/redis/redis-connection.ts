import { ConfigError, StoreError } from "../../errors.js";
import { addCommand } from "./add-command.js";
import { isVague, redisError } from "./redis-error.js";
import type { RedisCommand, RedisLike, RedisPipeline } from "./redis-like.js";
import type { RedisPlace } from "./redis-url.js";
import { concerns, parseInfo, type ServerFacts, shownFacts, whyLossy, whyUnfit } from "./server-facts.js";

/** How long a first connection may take, and a lost one that is being made again. */
const CONNECT_MS = 5_000;
const RECONNECT_MS = 1_000;
/** The eviction policy and the like are looked at again after so long. */
const LOOK_AGAIN_MS = 3_600_000;

export interface RedisConnectionOptions {
  /** A client of the caller's, or where to connect to. */
  readonly client: RedisLike | RedisPlace;
  readonly where: string;
  /** Options for ioredis, over ours. */
  readonly clientOptions: Readonly<Record<string, unknown>> | undefined;
  /** Refuses a server that may lose records without an error. */
  readonly strict: boolean;
}

/** A connection that opens itself, looks at the server before it trusts it, and fails with `StoreError`s. */
export interface RedisConnection {
  /**
   * Sends commands together, all about keys of one slot. Gives their results, or fails with the first error. Who has
   * read a long one empties it: its array outlives the next garbage collections, and what is in it would as well.
   */
  run(commands: readonly RedisCommand[]): Promise<unknown[]>;
  /** The same; texts come as their bytes, which hold up no garbage collection while they wait to be read. */
  runForBytes(commands: readonly RedisCommand[]): Promise<unknown[]>;
  /** The same in MULTI: all of them, or none. */
  transact(commands: readonly RedisCommand[]): Promise<unknown[]>;
  /** Whether it is a cluster; known after the first `run`. */
  isCluster(): Promise<boolean>;
  /** How often a connection was made: the server may be another one each time. */
  connections(): number;
  /** Asks the servers now. */
  look(): Promise<{
    /** Empty when the servers do not tell it, null while one of them is silent. */
    readonly epoch: string | null;
    readonly reasons: readonly string[];
    readonly facts: Readonly<Record<string, string | number>>;
  }>;
  close(): Promise<void>;
}

export function redisConnection({
  client: given,
  where,
  clientOptions,
  strict,
}: RedisConnectionOptions): RedisConnection {
  let opening: Promise<RedisLike> | null = null;
  let waiting: Promise<void> | null = null;
  let lastError: unknown;
  let trusted: Promise<void> | null = null;
  let trustedUntil = 0;
  let wasReady = false;
  let connections = 0;
  let barred: StoreError | null = null;

  const onError = (error: unknown) => {
    if (lastError === undefined || !isVague(error)) lastError = error;
    // ioredis goes on in database 0: a store that writes there would be in the wrong place.
    if (/DB index|\bselect\b/i.test(String(error))) barred = redisError(error, where);
  };
  // Another server may answer now: it is looked at before it is used.
  const onReady = () => {
    wasReady = true;
    lastError = undefined;
    trusted = null;
    connections += 1;
  };

  async function open(): Promise<RedisLike> {
    const opened = "pipeline" in given ? given : await connectTo(given, clientOptions);
    opened.on("error", onError);
    opened.on("ready", onReady);
    opened.on("node error", onError);
    return opened;
  }

  /** The client once it is connected. A lost connection is being made again by itself, and is waited for a moment. */
  async function ready(): Promise<RedisLike> {
    opening ??= open().catch((error: unknown) => {
      opening = null;
      throw error;
    });
    const opened = await opening;
    if (barred) {
      const refusal = barred;
      // The next connection is asked again: somebody may have given the permission meanwhile.
      if (!("pipeline" in given) && opened.status === "ready") {
        barred = null;
        opened.disconnect(true);
      }
      throw refusal;
    }
    if (opened.status === "ready") return opened;
    if (opened.status === "end") throw redisError(new Error("the client is closed"), where);
    if (opened.status === "wait") void opened.connect().catch(onError);
    waiting ??= untilReady(opened, wasReady ? RECONNECT_MS : CONNECT_MS).finally(() => {
      waiting = null;
    });
    await waiting;
    if (barred) throw barred;
    return opened;
  }

  function untilReady(opened: RedisLike, patienceMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (failure?: unknown) => {
        clearTimeout(timer);
        opened.off("ready", done);
        opened.off("error", done);
        opened.off("end", failed);
        if (failure === undefined) resolve();
        else reject(redisError(reasonOf(failure), where));
      };
      const failed = () => done(lastError ?? new Error("the connection is closed"));
      const timer = setTimeout(() => {
        done(lastError ?? new Error(`no answer within ${patienceMs} ms`));
      }, patienceMs);
      opened.on("ready", done);
      opened.on("error", done);
      opened.on("end", failed);
    });
  }

  /** The client of a server that was looked at. */
  async function admitted(): Promise<RedisLike> {
    const opened = await ready();
    if (!trusted || performance.now() > trustedUntil) {
      trustedUntil = performance.now() + LOOK_AGAIN_MS;
      const looking = check(opened);
      trusted = looking;
      looking.catch(() => {
        if (trusted === looking) trusted = null;
      });
    }
    await trusted;
    return opened;
  }

  async function check(opened: RedisLike): Promise<void> {
    const { facts } = await allFacts(opened);
    for (const one of facts) {
      const refusal = whyUnfit(one, where, opened.isCluster === true);
      if (refusal) throw refusal;
      const lossy = strict ? whyLossy(one, where) : null;
      if (lossy) throw new StoreError("STORE_REFUSED", `${lossy}, or open the store without strict`);
    }
  }

  /** What the servers say. Of a cluster some may be silent: a master that fails takes nothing from the others. */
  async function allFacts(opened: RedisLike): Promise<AllFacts> {
    const servers = (opened.isCluster ? opened.nodes?.("master") : undefined) ?? [opened];
    const answers = await Promise.allSettled(servers.map(factsOf));
    const facts = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
    const failures = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason as StoreError] : []));
    if (facts.length === 0) throw failures[0] ?? redisError(new Error("no server is known"), where);
    return { facts, failures };
  }

  async function factsOf(server: RedisLike): Promise<ServerFacts> {
    const pipeline = server.pipeline();
    pipeline.call("info");
    pipeline.call("config", "get", "save");
    const answers = await pipeline.exec().catch((error: unknown) => {
      throw redisError(reasonOf(error), where);
    });
    const [info, save] = answers ?? [];
    // A managed Redis may forbid either: what it does not tell is unknown.
    if (info?.[0] && !/NOPERM|unknown command/i.test(info[0].message)) throw redisError(reasonOf(info[0]), where);
    const facts = parseInfo(info?.[0] ? "" : String(info?.[1] ?? ""));
    if (facts.persistence === "aof" || save?.[0] || !Array.isArray(save?.[1])) return facts;
    return { ...facts, persistence: save[1][1] === "" ? "none" : "rdb" };
  }

  async function send(
    commands: readonly RedisCommand[],
    pipelineOf: (opened: RedisLike) => RedisPipeline,
    asBytes = false,
  ): Promise<unknown[]> {
    const opened = await admitted();
    let answers: [Error | null, unknown][] | null;
    try {
      const pipeline = pipelineOf(opened);
      for (const command of commands) addCommand(pipeline, command, asBytes);
      answers = await pipeline.exec();
    } catch (error) {
      throw failureOf(opened, error);
    }
    if (!answers) throw redisError(new Error("the transaction was not run"), where);
    return answers.map(([error, result]) => {
      if (error) throw failureOf(opened, error);
      return result;
    });
  }

  /** After a failover our connection may still lead to the old primary: whoever has its address now is the new one. */
  function failureOf(opened: RedisLike, error: unknown): StoreError {
    const failure = redisError(reasonOf(error), where);
    const isOurs = !("pipeline" in given) && opened.isCluster !== true;
    if (failure.code === "STORE_READ_ONLY" && isOurs && opened.status === "ready") {
      lastError = error; // what else is on its way fails because of this
      opened.disconnect(true);
    }
    return failure;
  }

  function reasonOf(error: unknown): unknown {
    return isVague(error) && !isVague(lastError) ? (lastError ?? error) : error;
  }

  return {
    run: (commands) => send(commands, (opened) => opened.pipeline()),
    runForBytes: (commands) => send(commands, (opened) => opened.pipeline(), true),
    transact: (commands) => send(commands, (opened) => opened.multi()),
    async isCluster() {
      return (await admitted()).isCluster === true;
    },
    connections: () => connections,
    async look() {
      const opened = await ready();
      const { facts, failures } = await allFacts(opened);
      for (const one of facts) {
        const refusal = whyUnfit(one, where, opened.isCluster === true);
        if (refusal) throw refusal;
      }
      const reasons = [...failures.map(({ message }) => message), ...facts.flatMap((one) => concerns(one, where))];
      const runIds = facts.map(({ runId }) => runId).filter((runId) => runId !== "");
      return {
        epoch: failures.length > 0 ? null : runIds.sort().join(" "),
        reasons: [...new Set(reasons)],
        facts: shownFacts(facts),
      };
    },
    async close() {
      const opened = await opening?.catch(() => null);
      if (!opened) return;
      opened.off("ready", onReady);
      opened.off("node error", onError);
      if ("pipeline" in given) opened.off("error", onError);
      else opened.disconnect();
    },
  };
}

interface AllFacts {
  readonly facts: readonly ServerFacts[];
  readonly failures: readonly StoreError[];
}

/** An ioredis client of our own. The package is loaded here and nowhere else, at the first use of a Redis store. */
async function connectTo(
  { cluster, tls, endpoints, username, password, db }: RedisPlace,
  clientOptions: Readonly<Record<string, unknown>> = {},
): Promise<RedisLike> {
  const { Cluster, Redis } = await import("ioredis").catch((cause: unknown) => {
    throw new ConfigError("a Redis store needs the ioredis package: run `npm install ioredis`, or pass a client", {
      cause,
    });
  });
  const options = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
    lazyConnect: true,
    // Our own queue is bounded and smaller; a command that cannot be sent fails at once.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // With `false` promises stay pending for ever when a connection is lost.
    autoResendUnfulfilledCommands: true,
    enableAutoPipelining: false,
    connectTimeout: CONNECT_MS,
    // While the server reads its data, it is asked again this soon; its own guess may be ten seconds too long.
    maxLoadingRetryTime: 500,
    socketTimeout: 10_000,
    keepAlive: 5_000,
    ...clientOptions,
  };
  // Full jitter, so that many processes do not come back at the same time.
  const pause = (attempt: number) => Math.random() * Math.min(5_000, 50 * 2 ** Math.min(attempt, 10)) + 10;
  if (cluster) {
    const { lazyConnect, enableOfflineQueue, ...redisOptions } = options;
    return new Cluster([...endpoints], {
      lazyConnect,
      enableOfflineQueue,
      redisOptions,
      clusterRetryStrategy: pause,
      slotsRefreshTimeout: CONNECT_MS,
    });
  }
  const [{ host, port } = { host: "127.0.0.1", port: 6379 }] = endpoints;
  return new Redis({ host, port, db, retryStrategy: pause, ...options });
}
