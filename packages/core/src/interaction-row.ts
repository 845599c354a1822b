import type { Annotation, StoredInteraction } from "./annotation.js";
import { interactionSchema } from "./interaction.js";

/**
 * An interaction as REST bodies and JSONL files have it: the snake_case twins of our names, times in ISO 8601 with Z.
 * `interactionFields` reads it back.
 */
export function interactionRow({ annotations, ...interaction }: StoredInteraction): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(interaction)) {
    if (value !== undefined) row[snakeCase(name)] = value;
  }
  if (interaction.usage) row.usage = snakeKeys(interaction.usage);
  row.timestamp = isoTime(interaction.timestamp);
  if (annotations) row.annotations = annotations.map(annotationRow);
  return row;
}

/** The fields of an interaction by our names, from a row that has them by either name. Values are taken as they are. */
export function interactionFields(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, outerName] of FIELDS) {
    const value = row[name] ?? row[outerName];
    if (value !== undefined && value !== null) fields[name] = value;
  }
  if (Array.isArray(fields.annotations)) fields.annotations = fields.annotations.map(withUsageFields);
  return withUsageFields(fields);
}

/** The record with its `usage`, where it has one, by our names. */
function withUsageFields<T>(record: T): T {
  const usage = (record as { usage?: unknown } | null | undefined)?.usage;
  if (typeof usage !== "object" || usage === null) return record;
  const given = usage as Readonly<Record<string, unknown>>;
  return { ...record, usage: Object.fromEntries(USAGE.map(([name, outer]) => [name, given[name] ?? given[outer]])) };
}

/** The same values under snake_case names; inner names stay. */
export function snakeKeys(record: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [snakeCase(name), value]));
}

/** `errorMessage` → `error_message`. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const twins = (names: readonly string[]) => names.map((name) => [name, snakeCase(name)] as const);
const FIELDS = /* @__PURE__ */ (() => twins([...Object.keys(interactionSchema.def.innerType.shape), "annotations"]))();
const USAGE = /* @__PURE__ */ twins(["inputTokens", "outputTokens", "costUsd"]);

function annotationRow({ interactionId: _, at, ...annotation }: Annotation): Record<string, unknown> {
  const row = { ...annotation, at: isoTime(at) };
  return "usage" in annotation && annotation.usage ? { ...row, usage: snakeKeys(annotation.usage) } : row;
}

function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
