/** Runs one measured task of `bench:redis` in this process and sends what it took to the parent. */
import { createRequire } from "node:module";
import { connect } from "node:net";
import { fileStore, type Interaction, type InteractionStore, redisStore } from "@whetstone/core";
import { buildDpoDataset } from "@whetstone/datasets";
import { corpus } from "./corpus.js";
import { type Measurement, measure, median, readAndParse } from "./measure.js";
import { startRecordingProxy } from "./recording-proxy.js";

const [task = "", url = "", count = "0", folder = ""] = process.argv.slice(2);
const records = Number(count);
/** As the logger's drain sends them. */
const BATCH = 64;
const IN_FLIGHT = 4;
/** Sent behind everything else: once it comes back, all of it was answered. */
const END = "all of it was answered";

/** Everything that `redis.ts` can run, by name. */
const TASKS: Record<string, () => Promise<Measurement>> = {
  ingest: () =>
    withStore(async (store) => {
      const batches = inBatches();
      await store.append(batches[0] ?? []);
      return measure(async () => {
        await inFlight(batches, (batch) => store.append(batch));
        return records;
      });
    }),
  "ingest-keys": async () => {
    const client = plainClient();
    const batches = inBatches();
    const result = await measure(async () => {
      await inFlight(batches, (batch) => keyPerRecord(client, batch));
      return records;
    });
    client.disconnect();
    return result;
  },
  "ingest-bytes": async () => {
    const sent = await recordedBytes();
    return measure(() => replay(sent));
  },
  fill: () =>
    withStore((store) =>
      measure(async () => {
        let batch: Interaction[] = [];
        for (const interaction of corpus(records)) {
          if (batch.push(interaction) < 256) continue;
          await store.append(batch);
          batch = [];
        }
        await store.append(batch);
        return records;
      }),
    ),
  "file-parse": () => measure(() => readAndParse(folder)),
  scan: () =>
    withStore((store) =>
      measure(async () => {
        let seen = 0;
        for await (const batch of store.query()) seen += batch.length;
        return seen;
      }),
    ),
  "scan-index": () =>
    withStore((store) =>
      measure(async () => {
        let seen = 0;
        for await (const batch of store.scanIndex()) seen += batch.length;
        return seen;
      }),
    ),
  latest: () => withStore((store) => latest(store, {})),
  "latest-filtered": () => withStore((store) => latest(store, { agentTypes: ["math"] })),
  cleanup: () =>
    withStore((store) =>
      measure(async () => {
        const { removed } = await store.deleteBefore(Number(folder));
        return removed;
      }),
    ),
  dpo: () => withStore(dpo),
  "dpo-file": async () => {
    const store = fileStore(folder);
    const result = await dpo(store);
    await store.close();
    return result;
  },
};

const measured = await TASKS[task]?.();
if (!measured) throw new Error(`no task is called "${task}"`);
process.send?.(measured);

async function withStore<T>(run: (store: InteractionStore) => Promise<T>): Promise<T> {
  const store = redisStore({ url });
  try {
    return await run(store);
  } finally {
    await store.close();
  }
}

function inBatches(): Interaction[][] {
  const batches: Interaction[][] = [];
  for (const interaction of corpus(records)) {
    const last = batches.at(-1);
    if (last && last.length < BATCH) last.push(interaction);
    else batches.push([interaction]);
  }
  return batches;
}

/** Sends batch after batch, a few at once. */
async function inFlight(
  batches: readonly Interaction[][],
  send: (batch: readonly Interaction[]) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const sender = async () => {
    for (let batch = batches[next++]; batch; batch = batches[next++]) await send(batch);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
}

/** What of ioredis the baseline uses. */
interface PlainClient {
  pipeline(commands: (string | number)[][]): { exec(): Promise<unknown> };
  disconnect(): void;
}

function plainClient(): PlainClient {
  // Core has it as its own development dependency; its types differ between its versions, and nothing here needs them.
  const { Redis } = createRequire(new URL("../../packages/core/package.json", import.meta.url))("ioredis");
  return new Redis(url);
}

/** The layout one would write first: a key a record, and three sorted sets that all records share. */
function keyPerRecord(client: PlainClient, batch: readonly Interaction[]): Promise<unknown> {
  const commands = batch.flatMap((interaction) => {
    const { interactionId, timestamp, agentType, qualityScores } = interaction;
    return [
      ["set", `i:${interactionId}`, JSON.stringify(interaction)],
      ["zadd", "t", timestamp, interactionId],
      ["zadd", `t:${agentType}`, timestamp, interactionId],
      ["zadd", "q", qualityScores.overall ?? -1, interactionId],
    ];
  });
  return client.pipeline(commands).exec();
}

async function latest(store: InteractionStore, filter: { readonly agentTypes?: string[] }): Promise<Measurement> {
  const times: number[] = [];
  const ask = async () => {
    let seen = 0;
    for await (const batch of store.query({ order: "desc", limit: 100, ...filter })) seen += batch.length;
    return seen;
  };
  for (let i = 0; i < 20; i++) await ask();
  const result = await measure(async () => {
    let seen = 0;
    for (let i = 0; i < 200; i++) {
      const start = performance.now();
      seen += await ask();
      times.push(performance.now() - start);
    }
    return seen;
  });
  return { ...result, wallMs: median(times) };
}

function dpo(store: InteractionStore): Promise<Measurement> {
  return measure(async () => {
    let rows = 0;
    for await (const lines of buildDpoDataset(store).lines()) rows += lines.length;
    return rows;
  });
}

/** The bytes that the store sends for these records, taken on their way to the server, which is emptied afterwards. */
async function recordedBytes(): Promise<Buffer> {
  const { hostname, port } = new URL(url);
  const proxy = await startRecordingProxy({ host: hostname, port: Number(port) });
  const store = redisStore({ url: proxy.url });
  const batches = inBatches();
  await store.append(batches[0] ?? []);
  proxy.forget();
  await inFlight(batches, (batch) => store.append(batch));
  const sent = proxy.sent();
  await store.close();
  await proxy.close();
  await replay(Buffer.from("*1\r\n$8\r\nFLUSHALL\r\n"));
  return sent;
}

/** Sends bytes over one socket and waits until the server has answered everything. */
function replay(bytes: Buffer): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(bytes);
      socket.write(`*2\r\n$4\r\nECHO\r\n$${END.length}\r\n${END}\r\n`);
    });
    let tail = "";
    socket.on("data", (data) => {
      tail = (tail + data.toString("latin1", Math.max(0, data.length - 64))).slice(-64);
      if (!tail.includes(END)) return;
      socket.destroy();
      resolve(records);
    });
    socket.on("error", reject);
  });
}
