import { ConfigError } from "@whetstone/core";
import type { AnyFunction } from "./any-function.js";
import { recorded } from "./wrap-agent.js";
import { checkOptions, show, type WrapOptions } from "./wrap-options.js";

/** Which methods of an object are recorded, and how. */
export type Instruments<O extends object> = {
  readonly [K in keyof O as O[K] extends AnyFunction ? K : never]?: O[K] extends AnyFunction
    ? WrapOptions<O[K], O>
    : never;
};

/**
 * `@logged` without decorators: records methods of an instance, or of all instances when given a class's prototype.
 * Changes the very object and returns it. Wrong names throw before anything is changed.
 *
 * @example instrument(agent, { solve: { logger, agentType: "math" } });
 */
export function instrument<O extends object>(object: O, methods: Instruments<O>): O {
  const replaced: PropertyDescriptorMap = {};
  for (const name of Reflect.ownKeys(methods)) {
    const options = Reflect.get(methods, name) as WrapOptions;
    const where = `instrument: ${String(name)}`;
    const property = findProperty(object, name);
    if (typeof property?.value !== "function") {
      throw new ConfigError(`${where} is ${property ? kindOf(property) : "missing"}: name a method of the object`);
    }
    checkOptions(options, where);
    if (!canDefine(object, name)) throw new ConfigError(`${where} cannot be replaced: the object is frozen or sealed`);
    const value = recorded(property.value as AnyFunction, options);
    replaced[name] = { value, writable: true, configurable: true, enumerable: property.enumerable ?? false };
  }
  return Object.defineProperties(object, replaced);
}

function findProperty(object: object, name: PropertyKey): PropertyDescriptor | undefined {
  for (let holder: object | null = object; holder !== null; holder = Object.getPrototypeOf(holder)) {
    const property = Object.getOwnPropertyDescriptor(holder, name);
    if (property) return property;
  }
  return undefined;
}

function kindOf(property: PropertyDescriptor): string {
  return "value" in property ? show(property.value) : "an accessor";
}

function canDefine(object: object, name: PropertyKey): boolean {
  return Object.getOwnPropertyDescriptor(object, name)?.configurable ?? Object.isExtensible(object);
}
