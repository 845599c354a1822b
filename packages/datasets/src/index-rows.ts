import { type IndexBatch, IndexFlag } from "@whetstone/core";
import type { Tally } from "./build-report.js";

/**
 * The eligible part of a store's index in columns, 41 bytes a row while they are collected and 33 afterwards. Rows
 * stand in the order of (timestamp, ref), whatever order the store gave equal times in, so a position breaks ties.
 */
export interface IndexRows {
  readonly length: number;
  readonly refs: Float64Array;
  readonly overall: Float64Array;
  /** The hash of what groups rows: the prompt key, or the task where rows are grouped by it. */
  readonly promptKeyHigh: Uint32Array;
  readonly promptKeyLow: Uint32Array;
  readonly users: Uint32Array;
  readonly sessions: Uint32Array;
  readonly flags: Uint8Array;
  /** The `IndexFlag`s that at least one row has. */
  readonly allFlags: number;
  /** Whether at least one row has a `groupId`, and one of them `messages`. */
  readonly hasTasks: boolean;
  readonly hasTaskTrajectories: boolean;
}

/** What a method takes besides scored answers without an error. */
export interface CollectRules {
  /** The least overall. Default 0. */
  readonly minQuality?: number;
  /** Unscored ones, which then count as 0: all of them, or only those that somebody corrected. Default none. */
  readonly unscored?: "all" | "corrected" | undefined;
  /** Corrected ones below `minQuality` too. */
  readonly corrected?: boolean;
  /** Attempts at one task form a group, whatever their prompts. */
  readonly byTask?: boolean;
}

/** Collects the rows that the rules every build shares let through, and counts the others. */
export interface IndexRowsCollector {
  add(batch: IndexBatch): void;
  rows(): IndexRows;
}

export function indexRowsCollector(
  books: Pick<Tally, "considered" | "drop">,
  { minQuality = 0, unscored: takenUnscored, corrected = false, byTask = false }: CollectRules = {},
): IndexRowsCollector {
  let columns = columnsOf(4096);
  let length = 0;
  let allFlags = 0;
  let [hasTasks, hasTaskTrajectories] = [false, false];
  let isOrdered = true;
  let lastTime = -Infinity;
  let lastRef = -Infinity;

  return {
    add(batch) {
      columns = grown(columns, length, length + batch.length);
      let [errors, unscored, truncated, below] = [0, 0, 0, 0];
      for (let i = 0; i < batch.length; i++) {
        const flags = batch.flags[i] as number;
        const overall = batch.overall[i] as number;
        const isCorrected = (flags & IndexFlag.demonstration) !== 0;
        const isUnscored = Number.isNaN(overall);
        if (flags & IndexFlag.error) errors += 1;
        else if (isUnscored && takenUnscored !== "all" && !(takenUnscored && isCorrected)) unscored += 1;
        else if (flags & IndexFlag.truncated) truncated += 1;
        else if (!isUnscored && overall < minQuality && !(corrected && isCorrected)) below += 1;
        else {
          const time = batch.timestamps[i] as number;
          const ref = batch.refs[i] as number;
          const isTask = ((batch.groupHigh[i] as number) | (batch.groupLow[i] as number)) !== 0;
          if (time < lastTime || (time === lastTime && ref < lastRef)) isOrdered = false;
          lastTime = time;
          lastRef = ref;
          allFlags |= flags;
          if (isTask) {
            hasTasks = true;
            if (flags & IndexFlag.messages) hasTaskTrajectories = true;
          }
          columns.timestamps[length] = time;
          columns.refs[length] = ref;
          columns.overall[length] = isUnscored ? 0 : overall;
          columns.promptKeyHigh[length] = (byTask && isTask ? batch.groupHigh : batch.promptKeyHigh)[i] as number;
          columns.promptKeyLow[length] = (byTask && isTask ? batch.groupLow : batch.promptKeyLow)[i] as number;
          columns.users[length] = batch.users[i] as number;
          columns.sessions[length] = batch.sessions[i] as number;
          columns.flags[length] = flags;
          length += 1;
        }
      }
      const { damaged = 0 } = batch;
      books.considered += batch.length + damaged;
      books.drop("unreadable", damaged);
      books.drop("error", errors);
      books.drop("unscored", unscored);
      books.drop("truncated", truncated);
      books.drop("belowMinQuality", below);
    },

    rows() {
      const { timestamps: _, ...kept } = isOrdered ? columns : ordered(columns, length);
      const cut = <Column extends Float64Array | Uint32Array | Uint8Array>(column: Column) =>
        column.subarray(0, length) as Column;
      return {
        length,
        refs: cut(kept.refs),
        overall: cut(kept.overall),
        promptKeyHigh: cut(kept.promptKeyHigh),
        promptKeyLow: cut(kept.promptKeyLow),
        users: cut(kept.users),
        sessions: cut(kept.sessions),
        flags: cut(kept.flags),
        allFlags,
        hasTasks,
        hasTaskTrajectories,
      };
    },
  };
}

type Columns = ReturnType<typeof columnsOf>;

function columnsOf(capacity: number) {
  return {
    timestamps: new Float64Array(capacity),
    refs: new Float64Array(capacity),
    overall: new Float64Array(capacity),
    promptKeyHigh: new Uint32Array(capacity),
    promptKeyLow: new Uint32Array(capacity),
    users: new Uint32Array(capacity),
    sessions: new Uint32Array(capacity),
    flags: new Uint8Array(capacity),
  };
}

const NAMES = ["timestamps", "refs", "overall", "promptKeyHigh", "promptKeyLow", "users", "sessions", "flags"] as const;

function grown(columns: Columns, length: number, needed: number): Columns {
  if (needed <= columns.refs.length) return columns;
  const larger = columnsOf(Math.max(needed, columns.refs.length * 2));
  for (const name of NAMES) larger[name].set(columns[name].subarray(0, length));
  return larger;
}

function ordered(columns: Columns, length: number): Columns {
  const { timestamps, refs } = columns;
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  const by = (column: Float64Array, a: number, b: number) => (column[a] as number) - (column[b] as number);
  order.sort((a, b) => by(timestamps, a, b) || by(refs, a, b));
  const sorted = columnsOf(length);
  for (const name of NAMES) {
    const [from, to] = [columns[name], sorted[name]];
    for (let i = 0; i < length; i++) to[i] = from[order[i] as number] as number;
  }
  return sorted;
}
