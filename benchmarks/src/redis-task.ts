/** Runs one measured task of `bench:redis` in this process and sends what it took to the parent. */
import { createRequire } from "node:module";
import { connect } from "node:net";
import { fileStore, type Interaction, type InteractionStore } from "@whetstone/core";
import { buildDpoDataset } from "@whetstone/datasets";
// From the sources, for the way that the spool takes is no public one.
import { appendKnown } from "../../packages/core/src/known-records.js";
import { redisStore } from "../../packages/core/src/stores/redis-store.js";
import { corpus } from "./corpus.js";
import { bringToMemory, type Measurement, measure, median, readAndParse } from "./measure.js";
import { startRecordingProxy } from "./recording-proxy.js";

const [task = "", url = "", count = "0", more = ""] = process.argv.slice(2);
const records = Number(count);
/** As the spool sends them: their JSON was made when they were logged. */
const BATCH = 64;
const IN_FLIGHT = 4;
/** Sent behind everything else: once it comes back, all of it was answered. */
const END = "all of it was answered";

/** Everything that `redis.ts` can run, by name. */
const TASKS: Record<string, () => Promise<Measurement>> = {
  ingest: () => withStore((store) => ingested((batch) => append(store, batch))),
  "ingest-keys": async () => {
    const client = plainClient(url);
    const result = await ingested((batch) => keyPerRecord(client, batch));
    client.disconnect();
    return result;
  },
  "ingest-keys-bytes": () =>
    replayed((place) => {
      const client = plainClient(place);
      return { send: (batch) => keyPerRecord(client, batch), close: () => client.disconnect() };
    }),
  "ingest-bytes": () =>
    replayed((place) => {
      const store = redisStore({ url: place });
      return { send: (batch) => append(store, batch), close: () => store.close() };
    }),
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
  "file-parse": () => {
    bringToMemory(more);
    return measure(() => readAndParse(more));
  },
  scan: () => withStore((store) => scanned(store, store.query())),
  "scan-index": () => withStore((store) => scanned(store, store.scanIndex())),
  latest: () => withStore((store) => latest(store, {})),
  "latest-filtered": () => withStore((store) => latest(store, { agentTypes: ["math"] })),
  cleanup: () =>
    withStore(async (store) => {
      await store.health(); // opens the connection
      return measure(async () => {
        const { removed } = await store.deleteBefore(Number(more));
        return removed;
      });
    }),
  dpo: () => withStore(dpo),
  "dpo-file": async () => {
    bringToMemory(more);
    const store = fileStore(more);
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

/** Reads all of it. Opening the connection loads modules, which are made from TypeScript here, and is no part of it. */
async function scanned(
  store: InteractionStore,
  batches: AsyncIterable<{ readonly length: number }>,
): Promise<Measurement> {
  await store.health();
  return measure(async () => {
    let seen = 0;
    for await (const batch of batches) seen += batch.length;
    return seen;
  });
}

/** Records that were serialised already. */
interface Batch {
  readonly records: Interaction[];
  readonly json: Buffer[];
}

function inBatches(interactions: Iterable<Interaction>): Batch[] {
  const all = [...interactions];
  return Array.from({ length: Math.ceil(all.length / BATCH) }, (_, i) => {
    const some = all.slice(i * BATCH, (i + 1) * BATCH);
    return { records: some, json: jsonOf(some) };
  });
}

/** Parts of one block, as what the spool wrote in one go. */
function jsonOf(some: readonly Interaction[]): Buffer[] {
  const lines = some.map((record) => JSON.stringify(record));
  const block = Buffer.from(lines.join(""));
  let end = 0;
  return lines.map((line) => {
    const start = end;
    end += Buffer.byteLength(line);
    return block.subarray(start, end);
  });
}

/** Sends batch after batch, a few at once. */
async function inFlight(batches: readonly Batch[], send: (batch: Batch) => Promise<unknown>): Promise<void> {
  let next = 0;
  const sender = async () => {
    for (let batch = batches[next++]; batch; batch = batches[next++]) await send(batch);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
}

function append(store: InteractionStore, { records, json }: Batch): Promise<unknown> {
  return appendKnown(store, records, { json, newIds: true });
}

async function ingested(send: (batch: Batch) => Promise<unknown>): Promise<Measurement> {
  await inFlight(inBatches(corpus(Number(more))), send);
  const batches = inBatches(corpus(records));
  return measure(async () => {
    await inFlight(batches, send);
    return records;
  });
}

/** What of ioredis the baseline uses. */
interface PlainClient {
  pipeline(commands: (string | number | Buffer)[][]): { exec(): Promise<unknown> };
  disconnect(): void;
}

function plainClient(place: string): PlainClient {
  // Core has it as its own development dependency; its types differ between its versions, and nothing here needs them.
  const { Redis } = createRequire(new URL("../../packages/core/package.json", import.meta.url))("ioredis");
  return new Redis(place);
}

/** The layout one would write first: a key a record, and three sorted sets that all records share. */
function keyPerRecord(client: PlainClient, { records: interactions, json }: Batch): Promise<unknown> {
  const commands = interactions.flatMap(({ interactionId, timestamp, agentType, qualityScores }, i) => {
    return [
      ["set", `i:${interactionId}`, json[i] as Buffer],
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

/** Sends over one socket the bytes that something sent for these records, taken on their way to the server. */
async function replayed(
  open: (url: string) => { readonly send: (batch: Batch) => Promise<unknown>; readonly close: () => unknown },
): Promise<Measurement> {
  const { hostname, port } = new URL(url);
  const proxy = await startRecordingProxy({ host: hostname, port: Number(port) });
  const { send, close } = open(proxy.url);
  const batches = inBatches(corpus(records));
  await send(batches[0] as Batch);
  proxy.forget();
  await inFlight(batches, send);
  const sent = proxy.sent();
  await close();
  await proxy.close();
  await replay(Buffer.from("*1\r\n$8\r\nFLUSHALL\r\n"));
  return measure(() => replay(sent));
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
