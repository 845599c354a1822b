import type { InteractionInput } from "./interaction.js";
import { createInteractionLogger } from "./interaction-logger.js";
import type { InteractionLogger } from "./logger.js";

let logger: InteractionLogger | undefined;

/** The logger of this process, on the store that `openStore()` opens. Made at the first call. */
export function defaultLogger(): InteractionLogger {
  logger ??= createInteractionLogger();
  return logger;
}

/** Records one interaction with the process's default logger, and returns its id at once. */
export function logInteraction(input: InteractionInput): string {
  return defaultLogger().log(input);
}
