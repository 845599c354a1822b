/** A worker thread that logs a number of interactions, waits for its drain, and ends in one of four ways. */
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { createInteractionLogger } from "./interaction-logger.js";
import { fileStore } from "./stores/file-store.js";

const { folder, way, count } = workerData as { folder: string; way: string; count: number };
const logger = createInteractionLogger({ store: fileStore(folder) });
for (let n = 0; n < count; n++) logger.log({ query: `Question ${n}`, answer: `${n} `.repeat(100), agentType: "math" });

if (way === "terminate") {
  // Nothing runs in a thread that is terminated: what is drained by then is all there is.
  await logger.flush();
  parentPort?.postMessage("logged");
  await sleep(60_000);
}
if (way === "exit") process.exit(3);
if (way === "throw") throw new Error("a worker's own error");
