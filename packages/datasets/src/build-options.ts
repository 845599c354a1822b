import { basename } from "node:path";
import { ConfigError, type InteractionFilter } from "@whetstone/core";
import type { ContributorCaps } from "./contributors.js";

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
export interface BuildOptions extends SelectOptions, ContributorCaps {
  /**
   * `conversational` (default) holds message lists, which a trainer renders with the model's own chat template;
   * `standard` holds plain strings, for base models. Only one-turn interactions fit in a string.
   */
  readonly format?: "conversational" | "standard" | undefined;
  /**
   * Texts with control tokens of chat templates (`<|im_end|>`, `[INST]`, `</s>` …) are left out (default), or escaped
   * by a space within the token, or kept as they are.
   */
  readonly controlTokens?: "drop" | "escape" | "keep" | undefined;
  /** JSONL files with the questions that models will be tested on: what asks the same is left out. Default: none. */
  readonly decontaminate?: readonly string[] | undefined;
  /**
   * Scores of judges, heuristics and of the agent itself decide only where `calibrate` has shown that their kappa is at
   * least this; people's and verifiers' always do. Default: all decide.
   */
  readonly requireCalibration?: number | undefined;
}

/** What builders of answers to train on can be told, besides. */
export interface AnswerOptions extends BuildOptions {
  /**
   * Of answers that are alike, whatever was asked, at most so many are taken. Default 100; Infinity does not compare
   * answers at all. Answers of less than 100 characters are never compared.
   */
  readonly maxSimilarAnswers?: number | undefined;
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

/** What all builders share, checked and with defaults filled in: the part of their options that a manifest shows. */
export interface CommonRules extends Required<ContributorCaps> {
  readonly agentTypes: readonly string[] | undefined;
  readonly daysBack: number | undefined;
  readonly format: "conversational" | "standard";
  readonly controlTokens: "drop" | "escape" | "keep";
  readonly decontaminate: readonly string[];
  readonly requireCalibration: number | undefined;
}

/** Checks what all builders share. @throws ConfigError naming the option that is wrong */
export function commonRules(options: BuildOptions): CommonRules {
  const { agentTypes, daysBack, format = "conversational", controlTokens = "drop" } = options;
  const { maxPerUser = 1_000, maxPerSession = 100, decontaminate = [], requireCalibration } = options;
  checkChoice("format", format, ["conversational", "standard"]);
  checkChoice("controlTokens", controlTokens, ["drop", "escape", "keep"]);
  if (requireCalibration !== undefined) checkShare("requireCalibration", requireCalibration);
  checkCount("maxPerUser", maxPerUser, 1);
  checkCount("maxPerSession", maxPerSession, 1);
  if (!Array.isArray(decontaminate) || decontaminate.some((path) => typeof path !== "string" || path === "")) {
    throw new ConfigError(`decontaminate is ${JSON.stringify(decontaminate)}: give a list of JSONL files`);
  }
  return { agentTypes, daysBack, format, controlTokens, maxPerUser, maxPerSession, decontaminate, requireCalibration };
}

/** The rules as a manifest shows them: without folders, so that the same build gives the same bytes anywhere. */
export function shownRules(rules: CommonRules): CommonRules {
  return { ...rules, decontaminate: rules.decontaminate.map((path) => basename(path)) };
}

/** @throws ConfigError unless it is a cap */
export function checkedSimilarAnswers({ maxSimilarAnswers = 100 }: AnswerOptions): number {
  checkCount("maxSimilarAnswers", maxSimilarAnswers, 1);
  return maxSimilarAnswers;
}
