/**
 * A process that logs to a remote store until it is killed, or a number of records in one turn and then exits. Writes each
 * id to standard output, a file, once `log` has returned it.
 */
import { writeSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createInteractionLogger } from "../interaction-logger.js";
import { question } from "./faulted-run.fixture.js";

const [store = "", spoolDirectory = "", durability = "journal", burst = "0"] = process.argv.slice(2);
const logger = createInteractionLogger({
  store,
  spoolDirectory,
  durability: durability as "journal" | "sync",
  onError: () => undefined,
});

if (Number(burst) > 0) {
  for (let n = 0; n < Number(burst); n++) writeSync(1, `${logger.log(question(n))}\n`);
  process.exit(7);
}
for (let logged = 0; ; ) {
  for (let i = 0; i < 5; i++) writeSync(1, `${logger.log(question(logged++))}\n`);
  writeSync(1, "turn\n");
  await nextTurn();
}
