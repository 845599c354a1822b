import { ConfigError } from "@whetstone/core";
import { startCall } from "./agent-call.js";
import type { AnyFunction } from "./any-function.js";
import { watchResult } from "./watch-result.js";
import { checkOptions, show, type WrapOptions } from "./wrap-options.js";

/**
 * The same function, recorded: its type, `this`, `name`, `length`, own properties, result and errors stay what they
 * are. A call is logged once, at its real end: when the value is there, the promise settles or the stream runs out.
 *
 * @example const ask = wrapAgent(async (question: string) => model.answer(question), { logger, agentType: "general" });
 */
export function wrapAgent<F extends AnyFunction>(agent: F, options: WrapOptions<NoInfer<F>>): F {
  if (typeof agent !== "function") throw new ConfigError(`wrapAgent: the agent is ${show(agent)}: give a function`);
  if (isClass(agent)) {
    const name = agent.name || "TheClass";
    throw new ConfigError(
      `wrapAgent: the agent is the class ${name}, whose methods it would not see: use ` +
        `instrument(${name}.prototype, { method: { agentType } }) or @logged on a method`,
    );
  }
  checkOptions(options as WrapOptions, "wrapAgent");
  return recorded(agent, options as WrapOptions);
}

/** `wrapAgent` on options that are checked already. */
export function recorded<F extends AnyFunction>(agent: F, options: WrapOptions): F {
  return new Proxy(agent, {
    apply(agent, self, args: readonly unknown[]) {
      const call = startCall(options, self, args);
      let result: unknown;
      try {
        result = call.run(agent, self, args);
      } catch (error) {
        call.end({ failed: true, error });
        throw error;
      }
      watchResult(result, call);
      return result;
    },
  });
}

/** A `class` cannot be called. A function that is meant for `new` looks like any other, and passes. */
function isClass(agent: AnyFunction): boolean {
  return /^class\b/.test(Function.prototype.toString.call(agent));
}
