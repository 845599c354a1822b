import { ConfigError, type InteractionFilter } from "@whetstone/core";

/** Which interactions a build looks at. */
export interface SelectOptions {
  /** Only these; all when left out. */
  readonly agentTypes?: readonly string[] | undefined;
  /** Only the last so many days; all when left out. */
  readonly daysBack?: number | undefined;
  /** What `daysBack` counts from, in epoch milliseconds. Default: the present. */
  readonly now?: number | undefined;
}

/** What every builder can be told. */
export interface BuildOptions extends SelectOptions {
  /**
   * `conversational` (default) holds message lists, which a trainer renders with the model's own chat template;
   * `standard` holds plain strings, for base models. Only one-turn interactions fit in a string.
   */
  readonly format?: "conversational" | "standard" | undefined;
  /** Texts with control tokens of chat templates (`<|im_end|>`, `[INST]`, `</s>` …) are dropped unless kept. */
  readonly controlTokens?: "drop" | "keep" | undefined;
}

const DAY_MS = 86_400_000;

/** The store filter that the options mean. @throws ConfigError naming the option that is wrong */
export function selection({ agentTypes, daysBack, now = Date.now() }: SelectOptions): InteractionFilter {
  if (agentTypes !== undefined) {
    const names: unknown = agentTypes;
    if (!Array.isArray(names) || names.length === 0 || names.some((name) => typeof name !== "string" || name === "")) {
      throw new ConfigError(
        `agentTypes is ${JSON.stringify(names)}: name at least one agent type, or leave it out for all`,
      );
    }
  }
  if (!Number.isFinite(now)) throw new ConfigError(`now is ${now}: use epoch milliseconds`);
  if (daysBack === undefined) return { agentTypes };
  if (!(Number.isFinite(daysBack) && daysBack > 0)) {
    throw new ConfigError(`daysBack is ${daysBack}: use a number of days above 0, or leave it out for all`);
  }
  return { agentTypes, startTime: now - daysBack * DAY_MS };
}

/** @throws ConfigError unless the value is a number from 0 to 1 */
export function checkShare(name: string, value: number): void {
  if (typeof value !== "number" || !(value >= 0 && value <= 1)) {
    throw new ConfigError(`${name} is ${value}: use a number from 0 to 1`);
  }
}

/** @throws ConfigError unless the value is a whole number from `least` on; Infinity passes as "no limit" */
export function checkCount(name: string, value: number, least: number): void {
  if (value === Infinity || (Number.isSafeInteger(value) && value >= least)) return;
  throw new ConfigError(`${name} is ${value}: use a whole number from ${least} on, or leave it out`);
}

/** @throws ConfigError unless the value is one of the choices */
export function checkChoice(name: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return;
  throw new ConfigError(`${name} is "${value}": use ${choices.map((choice) => `"${choice}"`).join(" or ")}`);
}

/** Checks what all builders share and fills in the defaults. */
export function checkedFormat({ format = "conversational", controlTokens = "drop" }: BuildOptions): {
  readonly format: "conversational" | "standard";
  readonly controlTokens: "drop" | "keep";
} {
  checkChoice("format", format, ["conversational", "standard"]);
  checkChoice("controlTokens", controlTokens, ["drop", "keep"]);
  return { format, controlTokens };
}
