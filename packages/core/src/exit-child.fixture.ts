/** A process that logs a number of interactions in one turn and ends in one of the ways a process can end. */
import { flushOnExit } from "./flush-on-exit.js";
import { createInteractionLogger } from "./interaction-logger.js";
import { fileStore } from "./stores/file-store.js";

const [folder = "", way = "", count = "0"] = process.argv.slice(2);
const logger = createInteractionLogger({ store: fileStore(folder) });
if (way === "SIGTERM with flushOnExit") flushOnExit(logger);
for (let n = 0; n < Number(count); n++) {
  logger.log({ query: `What is ${n} + 1?`, answer: `${n + 1} `.repeat(400), agentType: "math" });
}

const WAYS: Record<string, () => void> = {
  "nothing left to do": () => {},
  "process.exit": () => process.exit(7),
  "an uncaught error": () => {
    throw new Error("an agent's own error");
  },
  "an unhandled rejection": () => {
    void Promise.reject(new Error("an agent's own error"));
  },
  SIGTERM: () => process.kill(process.pid, "SIGTERM"),
  "SIGTERM with flushOnExit": () => process.kill(process.pid, "SIGTERM"),
};
// As a server would: a process that has nothing left to do may end before it hears of the signal.
if (way.startsWith("SIGTERM")) setTimeout(() => {}, 60_000);
WAYS[way]?.();
