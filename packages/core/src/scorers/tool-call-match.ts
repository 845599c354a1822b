import { ConfigError } from "../errors.js";
import { type Scorer, scorer } from "../scorer.js";
import type { ToolCallMatchOptions } from "./tool-call-score.js";

/**
 * Scores 1 when the agent made the tool calls that were expected, else 0, and says the share of expected calls made
 * (`recall`) and of calls made that were expected (`precision`). Null where nothing is expected or no call can be seen.
 */
export function toolCallMatch(options: ToolCallMatchOptions = {}): Scorer {
  const { mode = "ordered", arguments: compare = "equal" } = options;
  if (!["ordered", "any-order", "contains"].includes(mode)) {
    throw new ConfigError(`mode is "${mode}": use "ordered", "any-order" or "contains"`);
  }
  if (compare !== "equal" && compare !== "subset") {
    throw new ConfigError(`arguments is "${compare}": use "equal" or "subset"`);
  }
  return scorer("verifier:tool-calls", async (interaction) => {
    const { toolCallScore } = await import("./tool-call-score.js");
    return toolCallScore(interaction, options);
  });
}
