import { ConfigError } from "../../errors.js";
import { onDemand } from "../../on-demand.js";
import { type Scorer, scorer } from "../../scorer.js";
import type { CodeVerifierOptions } from "./code-scoring.js";

/**
 * Scores 1 when the answer's code passes the tests, else 0. Null without tests, in a language that cannot be run, and
 * when the tests never use the answer. It contains the code it runs, but is no sandbox for hostile tenants.
 */
export function codeVerifier(options: CodeVerifierOptions = {}): Scorer {
  checkOptions(options);
  const scoring = onDemand(async () => {
    const { codeScoring } = await import("./code-scoring.js");
    return codeScoring(options);
  });

  return scorer("verifier:code", async (interaction, context) => (await scoring())(interaction, context));
}

function checkOptions({ language, timeoutMs, maxMemoryBytes, concurrency }: CodeVerifierOptions): void {
  if (language !== undefined && language !== "python" && language !== "javascript") {
    throw new ConfigError(`language is "${language}": use "python" or "javascript"`);
  }
  for (const [name, value, least] of [
    ["timeoutMs", timeoutMs, 1],
    ["maxMemoryBytes", maxMemoryBytes, 1 << 20],
    ["concurrency", concurrency, 1],
  ] as const) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= least)) continue;
    throw new ConfigError(`${name} is ${value}: use a whole number from ${least} on, or leave it out`);
  }
}
