import { ConfigError } from "@whetstone/core";
import type { AnyFunction } from "./any-function.js";
import { recorded } from "./wrap-agent.js";
import { checkOptions, type WrapOptions } from "./wrap-options.js";

/** A method decorator for both dialects. It fits methods only: a field or a getter does not compile. */
export interface LoggedDecorator<Self> {
  <F extends AnyFunction>(method: F, context: ClassMethodDecoratorContext<Self, F>): F;
  <F extends AnyFunction>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<F>,
  ): TypedPropertyDescriptor<F>;
}

/**
 * `wrapAgent` as a decorator of methods, for the standard decorators and for `experimentalDecorators`.
 *
 * @example class MathAgent { @logged({ logger, agentType: "math" }) async solve(problem: string) { … } }
 */
export function logged<Self = unknown>(options: WrapOptions<AnyFunction, Self>): LoggedDecorator<Self> {
  const checked = options as WrapOptions;
  checkOptions(checked, "@logged");

  const decorate = (target: unknown, about: unknown, descriptor?: unknown): unknown => {
    if (isContext(about)) {
      if (about.kind === "method" && typeof target === "function") return recorded(target as AnyFunction, checked);
      throw notAMethod(about.kind, about.name);
    }
    const method = (descriptor as PropertyDescriptor | undefined)?.value;
    if (typeof method !== "function") throw notAMethod(descriptor === undefined ? "field" : "accessor", about);
    // The flags stay, or a method would turn up when the instance is listed.
    return { ...(descriptor as PropertyDescriptor), value: recorded(method as AnyFunction, checked) };
  };
  return decorate as LoggedDecorator<Self>;
}

function isContext(value: unknown): value is ClassMethodDecoratorContext | { kind: string; name: unknown } {
  return typeof value === "object" && value !== null && "kind" in value && "addInitializer" in value;
}

function notAMethod(kind: string, name: unknown): ConfigError {
  return new ConfigError(
    `@logged stands on the ${kind} ${String(name)}: put it on a method, or wrap the function with wrapAgent(…)`,
  );
}
