import type { Interaction } from "./interaction.js";

const known = new WeakMap<Interaction, string>();

/** The JSON text of a record. A record that was serialised for a spool, or read from one, is not serialised again. */
export function recordJson(record: Interaction): string {
  return known.get(record) ?? JSON.stringify(record);
}

/** Keeps the JSON text of a record for as long as the record lives. */
export function rememberJson(record: Interaction, json: string): void {
  known.set(record, json);
}
