/** A process that logs until it is killed. Writes each id to standard output, a file, once `log` has returned it. */
import { writeSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createInteractionLogger } from "./interaction-logger.js";
import { fileStore } from "./stores/file-store.js";

const [folder = "", durability = "journal", count = "Infinity", perTurn = "5"] = process.argv.slice(2);
const logger = createInteractionLogger({ store: fileStore(folder), durability: durability as "journal" | "sync" });

for (let logged = 0; logged < Number(count); ) {
  for (let i = 0; i < Number(perTurn); i++, logged++) {
    const id = logger.log({ query: `What is ${logged} + 1?`, answer: `${logged + 1} `.repeat(300), agentType: "math" });
    writeSync(1, `${id}\n`);
  }
  writeSync(1, "turn\n");
  await nextTurn();
}
if (durability === "journal") await logger.close();
