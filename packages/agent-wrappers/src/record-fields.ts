import type { InteractionInput } from "@whetstone/core";

/** The fields of a record while they are gathered. */
export type Fields = { -readonly [K in keyof InteractionInput]?: InteractionInput[K] };

/** Lays fields over others, in place: this runs in every call. Undefined never wins, metadata is joined. */
export function layFields(under: Fields, over: Partial<InteractionInput>): void {
  const target = under as Record<string, unknown>;
  for (const name of Object.keys(over) as (keyof InteractionInput)[]) {
    const value = over[name];
    if (value === undefined) continue;
    target[name] = name === "metadata" && under.metadata ? { ...under.metadata, ...over.metadata } : value;
  }
}
