import { setTimeout as sleep } from "node:timers/promises";
import { freePort, type RedisServer, type RedisServerOptions, startRedis } from "./redis-server.js";

export interface RedisClusterOptions {
  /** Default 3. */
  readonly masters?: number | undefined;
  /** Default 0; 1 gives a cluster that survives the loss of one server. */
  readonly replicasPerMaster?: number | undefined;
  /** Lines of redis.conf for every server. */
  readonly config?: RedisServerOptions["config"];
}

/** A real Redis Cluster on loopback. The masters come first in `servers`, and own equal parts of the slots. */
export interface RedisCluster extends AsyncDisposable {
  /** `redis-cluster://127.0.0.1:PORT,…` with every server. */
  readonly url: string;
  readonly servers: readonly RedisServer[];
  /** Resolves when every running server says that all slots are served. */
  untilReady(): Promise<void>;
  /** Moves slots from one master to another, as `redis-cli --cluster reshard` does, while clients go on. */
  moveSlots(from: RedisServer, to: RedisServer, count: number): Promise<void>;
  stop(): Promise<void>;
}

const SLOTS = 16_384;

/** Starts a cluster of its own. */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const { masters = 3, replicasPerMaster = 0, config } = options;
  const servers: RedisServer[] = [];
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  const up = () => servers.filter(({ pid }) => pid > 0);
  const idOf = (server: RedisServer) => server.cli("cluster", "myid");

  async function untilReady(): Promise<void> {
    await until(async () => {
      const states = await Promise.all(up().map((server) => server.cli("cluster", "info")));
      return states.every((info) => info.includes("cluster_state:ok") && info.includes(`cluster_slots_ok:${SLOTS}`));
    });
  }

  try {
    const count = masters * (1 + replicasPerMaster);
    servers.push(...(await Promise.all(Array.from({ length: count }, () => startNode(config)))));
    const [first] = servers;
    if (!first) throw new Error("a cluster needs at least one master");
    await Promise.all(
      servers.slice(0, masters).map(async (server, i) => {
        const start = Math.floor((i * SLOTS) / masters);
        const end = Math.floor(((i + 1) * SLOTS) / masters) - 1;
        await server.cli("cluster", "addslotsrange", String(start), String(end));
      }),
    );
    await Promise.all(servers.map((server, i) => server.cli("cluster", "set-config-epoch", String(i + 1))));
    for (const server of servers.slice(1)) {
      await server.cli("cluster", "meet", first.host, String(first.port), busPort(first));
    }
    await until(async () => {
      const infos = await Promise.all(servers.map((server) => server.cli("cluster", "info")));
      return infos.every((info) => info.includes(`cluster_known_nodes:${count}`));
    });
    await untilReady();
    for (const [i, replica] of servers.slice(masters).entries()) {
      const master = servers[i % masters];
      if (master) await replica.cli("cluster", "replicate", await idOf(master));
    }
    if (replicasPerMaster > 0) {
      await until(async () => {
        const states = await Promise.all(servers.slice(masters).map((server) => server.cli("info", "replication")));
        return states.every((info) => info.includes("master_link_status:up"));
      });
    }
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    url: `redis-cluster://${servers.map(({ host, port }) => `${host}:${port}`).join(",")}`,
    servers,
    untilReady,
    async moveSlots(from, to, count) {
      const endpoints = `${from.host}:${from.port}`;
      const ids = ["--cluster-from", await idOf(from), "--cluster-to", await idOf(to)];
      await from.cli("--cluster", "reshard", endpoints, ...ids, "--cluster-slots", String(count), "--cluster-yes");
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

const busPorts = new WeakMap<RedisServer, string>();
const busPort = (server: RedisServer): string => busPorts.get(server) ?? String(server.port + 10_000);

async function startNode(config: RedisServerOptions["config"] = {}): Promise<RedisServer> {
  const bus = String(await freePort());
  const server = await startRedis({
    config: {
      "cluster-enabled": "yes",
      "cluster-port": bus,
      // A single server meets nobody who could tell it its address.
      "cluster-announce-ip": "127.0.0.1",
      "cluster-node-timeout": "2000",
      ...config,
    },
  });
  busPorts.set(server, bus);
  return server;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await holds().catch(() => false)) return;
    await sleep(50);
  }
  throw new Error("the cluster did not become ready within 30 s");
}
