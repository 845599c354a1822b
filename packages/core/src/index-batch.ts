import { type Annotation, effectiveScore, type StoredInteraction } from "./annotation.js";
import { dayNumber } from "./day.js";
import { hash32, hash64 } from "./hash.js";
import type { Interaction } from "./interaction.js";
import { idTime } from "./interaction-id.js";
import { promptHash } from "./prompt-key.js";
import { type IndexBatch, IndexFlag } from "./store.js";

/** Rows of one `IndexBatch`. */
export const INDEX_BATCH = 4096;

type Column = Exclude<keyof IndexBatch, "length" | "agentTypeNames" | "damaged">;

/** The columns of one interaction, as numbers. `ref` and `agentType` are the store's to give. */
export type IndexRow = Record<Column, number>;

/** Fills one `IndexBatch` row by row. */
export interface IndexBatchBuilder {
  push(row: IndexRow): void;
  readonly length: number;
  batch(agentTypeNames: readonly string[]): IndexBatch;
}

export function indexBatchBuilder(capacity = INDEX_BATCH): IndexBatchBuilder {
  const columns = {
    refs: new Float64Array(capacity),
    timestamps: new Float64Array(capacity),
    overall: new Float64Array(capacity),
    promptKeyHigh: new Uint32Array(capacity),
    promptKeyLow: new Uint32Array(capacity),
    agentTypes: new Uint32Array(capacity),
    flags: new Uint32Array(capacity),
    groupHigh: new Uint32Array(capacity),
    groupLow: new Uint32Array(capacity),
    users: new Uint32Array(capacity),
    sessions: new Uint32Array(capacity),
  };
  let length = 0;
  return {
    push(row) {
      // Column by column: a loop over their names takes twice as long as all the rest of a scan.
      columns.refs[length] = row.refs;
      columns.timestamps[length] = row.timestamps;
      columns.overall[length] = row.overall;
      columns.promptKeyHigh[length] = row.promptKeyHigh;
      columns.promptKeyLow[length] = row.promptKeyLow;
      columns.agentTypes[length] = row.agentTypes;
      columns.flags[length] = row.flags;
      columns.groupHigh[length] = row.groupHigh;
      columns.groupLow[length] = row.groupLow;
      columns.users[length] = row.users;
      columns.sessions[length] = row.sessions;
      length += 1;
    },
    get length() {
      return length;
    },
    batch(agentTypeNames) {
      const cut = Object.entries(columns).map(([name, column]) => [name, column.subarray(0, length)]);
      return { ...(Object.fromEntries(cut) as typeof columns), length, agentTypeNames };
    },
  };
}

/** Numbers agent types from 0 on as they first come; `names` grows with them. */
export function agentTypeNumbers(): {
  readonly names: readonly string[];
  readonly numberOf: (agentType: string) => number;
} {
  const names: string[] = [];
  const numbers = new Map<string, number>();
  return {
    names,
    numberOf(agentType) {
      const known = numbers.get(agentType);
      if (known !== undefined) return known;
      numbers.set(agentType, names.length);
      return names.push(agentType) - 1;
    },
  };
}

/** Computes the index columns of an interaction. */
export function indexRow(interaction: StoredInteraction, ref: number, agentType: number): IndexRow {
  promptHash(interaction, prompt, 0);
  if (interaction.groupId === undefined) group.fill(0);
  else hash64(interaction.groupId, group, 0);
  return {
    refs: ref,
    timestamps: interaction.timestamp,
    overall: effectiveScore(interaction)?.overall ?? Number.NaN,
    promptKeyHigh: prompt[0] as number,
    promptKeyLow: prompt[1] as number,
    agentTypes: agentType,
    flags: recordFlags(interaction) | annotationFlags(interaction.annotations ?? []),
    groupHigh: group[0] as number,
    groupLow: group[1] as number,
    users: interaction.userId === undefined ? 0 : hash32(interaction.userId),
    sessions: interaction.sessionId === undefined ? 0 : hash32(interaction.sessionId),
  };
}

const group = new Uint32Array(2);
const prompt = new Uint32Array(2);

/** The `IndexFlag`s that the record alone decides. */
export function recordFlags(interaction: Interaction): number {
  return (
    (interaction.errorOccurred ? IndexFlag.error : 0) |
    (interaction.flags?.some((flag) => flag.endsWith(":truncated")) ? IndexFlag.truncated : 0) |
    (interaction.messages ? IndexFlag.messages : 0) |
    (interaction.tools?.length ? IndexFlag.tools : 0) |
    (interaction.reference === undefined ? 0 : IndexFlag.reference) |
    (tellsItsDay(interaction) ? 0 : IndexFlag.foreignId)
  );
}

/** The `IndexFlag`s that annotations add. */
export function annotationFlags(annotations: readonly Annotation[]): number {
  const corrected = annotations.some(
    (annotation) => annotation.kind === "feedback" && annotation.feedback.type === "demonstration",
  );
  return corrected ? IndexFlag.demonstration : 0;
}

/** True when the id is a UUIDv7 of the record's own day, as ours are. */
export function tellsItsDay({ interactionId, timestamp }: Pick<Interaction, "interactionId" | "timestamp">): boolean {
  const time = idTime(interactionId);
  return time !== null && (time === timestamp || dayNumber(time) === dayNumber(timestamp));
}
