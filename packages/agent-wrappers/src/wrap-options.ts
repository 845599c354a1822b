import { ConfigError, defaultLogger, type InteractionLogger } from "@whetstone/core";
import type { AnyFunction } from "./any-function.js";
import type { Describe } from "./describe-call.js";

/** How calls of an agent are recorded. */
export interface WrapOptions<F extends AnyFunction = AnyFunction, Self = never> {
  /** `math`, `code`, `rag`, `general` or your own word. The first three also choose a preset. */
  readonly agentType: string;
  /** Where the calls go: a logger, or a function of `this` that gives one. Default: the process's `defaultLogger()`. */
  readonly logger?: InteractionLogger | ((self: Self) => InteractionLogger) | undefined;
  /** Maps a call to fields of its record, in place of the preset. */
  readonly describe?: Describe<F> | undefined;
  /** Which policy answers: a prompt version, an agent variant, a checkpoint. */
  readonly variant?: string | undefined;
  /** The model that answers, where the result does not name it. */
  readonly model?: string | undefined;
  /** Goes into every record's metadata. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Hears of what went wrong in recording, which the caller of the agent never does. Default: one process warning. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Throws a `ConfigError` when the options cannot work. `where` names the function that took them. */
export function checkOptions(options: WrapOptions, where: string): void {
  const { agentType, logger, describe } = options ?? {};
  if (typeof agentType !== "string" || agentType.length === 0 || agentType.length > 128) {
    throw new ConfigError(
      `${where}: agentType is ${show(agentType)}: give a name of 1 to 128 characters, such as "math" or "general"`,
    );
  }
  if (logger !== undefined && typeof logger !== "function" && typeof logger?.log !== "function") {
    throw new ConfigError(
      `${where}: logger is ${show(logger)}: give createInteractionLogger(…) or a function of \`this\``,
    );
  }
  if (describe !== undefined && typeof describe !== "function") {
    throw new ConfigError(`${where}: describe is ${show(describe)}: give a function of (args, result, end)`);
  }
}

/** The logger for a call on `self`. */
export function loggerFor({ logger }: WrapOptions, self: unknown): InteractionLogger {
  return typeof logger === "function" ? logger(self as never) : (logger ?? defaultLogger());
}

/** Tells `onError` of a failure, or warns of the first one. Never throws. */
export function reportTo(options: WrapOptions, error: unknown): void {
  try {
    if (options.onError) {
      options.onError(error);
      return;
    }
    if (warned.has(options)) return;
    warned.add(options);
    process.emitWarning(`a call of the ${options.agentType} agent was not recorded in full: ${String(error)}`, {
      type: "WhetstoneWarning",
      detail: "Give the wrapper an `onError` to hear of every failure.",
    });
  } catch {
    // There is nobody left to tell but the caller of the agent.
  }
}

const warned = new WeakSet<WrapOptions>();

/** A wrong value, short enough for a message. */
export function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : value === null ? "null" : typeof value;
}
