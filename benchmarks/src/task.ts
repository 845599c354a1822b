/** Runs one measured task in this process and sends what it took to the parent. */
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInteractionLogger, fileStore, type Interaction } from "@whetstone/core";
import { buildDpoDataset, buildGrpoDataset, buildSftDataset, writeDataset } from "@whetstone/datasets";
import { inputs } from "./corpus.js";
import { bringToMemory, type Measurement, measure, readAndParse } from "./measure.js";

const [task = "", folder = "", count = "0"] = process.argv.slice(2);

/** All records of a run are offered in one turn, more than a real queue would take. */
const ROOMY = { maxQueue: 1_000_000, maxQueueBytes: 2 ** 30, redact: false };
/** What each logging task does before it is measured, so that none is charged for its code being compiled. */
const WARM_UP = 10_000;

/** Everything that `measureApart` can run, by name. */
const TASKS: Record<string, () => Promise<Measurement>> = {
  "log-baseline": async () => {
    const records = await logged();
    const fd = openSync(join(folder, "baseline.ndjson"), "a");
    const write = (some: readonly Interaction[]) => {
      for (const record of some) writeSync(fd, `${JSON.stringify(record)}\n`);
      return some.length;
    };
    write(records.slice(0, WARM_UP));
    const measured = await measure(() => write(records));
    closeSync(fd);
    return measured;
  },
  "log-sync": () => log("sync", false),
  "log-journal": () => log("journal", false),
  "log-sync-redacted": () => log("sync", true),
  "read-parse": () => measure(() => readAndParse(folder)),
  scan: () =>
    measure(async () => {
      const store = fileStore(folder);
      let seen = 0;
      for await (const batch of store.query()) seen += batch.length;
      await store.close();
      return seen;
    }),
  sft: () => build("sft"),
  dpo: () => build("dpo"),
  grpo: () => build("grpo"),
};

if (!task.startsWith("log-")) bringToMemory(folder);
const measured = await TASKS[task]?.();
if (!measured) throw new Error(`no task is called "${task}"`);
process.send?.(measured);

async function log(durability: "sync" | "journal", redact: boolean): Promise<Measurement> {
  const store = fileStore(join(folder, durability));
  const logger = createInteractionLogger({ store, durability, ...ROOMY, redact });
  const given = inputs(Number(count));
  for (const input of given.slice(0, WARM_UP)) logger.log(input);
  const { stored } = await logger.flush();
  const result = await measure(async () => {
    for (const input of given) logger.log(input);
    return (await logger.flush()).stored - stored;
  });
  await logger.close();
  await store.close();
  return result;
}

/** The records as the logger makes them, so that the baseline writes the same bytes. */
async function logged(): Promise<Interaction[]> {
  const store = fileStore(join(folder, "once"));
  const logger = createInteractionLogger({ store, ...ROOMY });
  for (const input of inputs(Number(count))) logger.log(input);
  await logger.close();
  const records: Interaction[] = [];
  for await (const batch of store.query()) records.push(...batch);
  await store.close();
  rmSync(join(folder, "once"), { recursive: true });
  return records;
}

async function build(kind: "sft" | "dpo" | "grpo"): Promise<Measurement> {
  const store = fileStore(folder);
  const path = join(folder, `.${kind}.jsonl`);
  // What comparing answers with each other costs, `bench:datasets` tells.
  const alone = { maxSimilarAnswers: Infinity };
  const rows = {
    sft: () => buildSftDataset(store, alone),
    dpo: () => buildDpoDataset(store, alone),
    grpo: () => buildGrpoDataset(store),
  };
  const result = await measure(async () => (await writeDataset(rows[kind](), path)).rows);
  await store.close();
  rmSync(path);
  return result;
}
