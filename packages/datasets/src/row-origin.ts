/** What a row's metadata says of the interactions it was made of. */
export interface RowOrigin {
  readonly interactionIds: readonly string[];
  /** Who scored each of them. */
  readonly scoreSources: readonly string[];
}

/** Reads the origin of a row of ours; both lists are empty for a row of somebody else's. */
export function rowOrigin(row: object): RowOrigin {
  const { metadata } = row as { metadata?: unknown };
  if (typeof metadata !== "object" || metadata === null) return { interactionIds: [], scoreSources: [] };
  const fields = metadata as Readonly<Record<string, unknown>>;
  const texts = (...names: readonly string[]): string[] =>
    names.flatMap((name) => fields[name] ?? []).filter((value) => typeof value === "string");
  return {
    interactionIds: texts("interaction_id", "chosen_interaction_id", "rejected_interaction_id", "interaction_ids"),
    scoreSources: texts("score_source", "chosen_score_source", "rejected_score_source", "score_sources"),
  };
}
