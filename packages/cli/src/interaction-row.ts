import type { Annotation, StoredInteraction } from "@whetstone/core";
import { snakeCase, snakeKeys } from "./snake-case.js";

/** An interaction as REST and JSONL readers know it: snake_case names, times in ISO 8601. `whetstone import` reads it back. */
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

function annotationRow({ interactionId: _, at, ...annotation }: Annotation): Record<string, unknown> {
  return { ...annotation, at: isoTime(at) };
}

function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
