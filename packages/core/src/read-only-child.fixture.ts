/** A process that is not root: its store's folder becomes read-only while it logs, and writable again. */
import { chmodSync } from "node:fs";
import { DAY_MS } from "./day.js";
import { createInteractionLogger } from "./interaction-logger.js";
import { fileStore } from "./stores/file-store.js";

const [folder = ""] = process.argv.slice(2);
const store = fileStore(folder);
const told: string[] = [];
const logger = createInteractionLogger({ store, onError: ({ code }) => told.push(code) });
const now = Date.now();
const log = (count: number, timestamp: number) => {
  for (let n = 0; n < count; n++) logger.log({ query: `Question ${n}`, answer: "120", agentType: "math", timestamp });
};

log(100, now);
await logger.flush();
chmodSync(folder, 0o500);
log(50, now); // the day's file is open already
await logger.flush({ timeoutMs: 500 });
log(100, now - DAY_MS); // a day that would need a new folder
const waiting = await logger.flush({ timeoutMs: 500 });
const { status, reasons } = logger.health();
chmodSync(folder, 0o700);
log(50, now);
const report = await logger.flush();
const { totalInteractions } = await store.stats();
const { offered, stored, dropped } = logger.stats();
const recovered = logger.health().status;
await logger.close();
await store.close();
console.log(
  JSON.stringify({ offered, stored, dropped, totalInteractions, waiting, status, reasons, told, report, recovered }),
);
