import { type IndexBatch, IndexFlag } from "@whetstone/core";
import type { Tally } from "./build-report.js";

/**
 * The eligible part of a store's index in columns, 32 bytes a row while they are collected and 24 afterwards. Rows
 * stand in the order of (timestamp, ref), whatever order the store gave equal times in, so a position breaks ties.
 */
export interface IndexRows {
  readonly length: number;
  readonly refs: Float64Array;
  readonly overall: Float64Array;
  readonly promptKeyHigh: Uint32Array;
  readonly promptKeyLow: Uint32Array;
  /** The `IndexFlag`s that at least one row has. */
  readonly flags: number;
}

/** Collects the rows that the rules every build shares let through, and counts the others. */
export interface IndexRowsCollector {
  add(batch: IndexBatch): void;
  rows(): IndexRows;
}

export function indexRowsCollector(books: Tally, minQuality = 0): IndexRowsCollector {
  let columns = columnsOf(4096);
  let length = 0;
  let allFlags = 0;
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
        if (flags & IndexFlag.error) errors += 1;
        else if (Number.isNaN(overall)) unscored += 1;
        else if (flags & IndexFlag.truncated) truncated += 1;
        else if (overall < minQuality) below += 1;
        else {
          const time = batch.timestamps[i] as number;
          const ref = batch.refs[i] as number;
          if (time < lastTime || (time === lastTime && ref < lastRef)) isOrdered = false;
          lastTime = time;
          lastRef = ref;
          allFlags |= flags;
          columns.timestamps[length] = time;
          columns.refs[length] = ref;
          columns.overall[length] = overall;
          columns.promptKeyHigh[length] = batch.promptKeyHigh[i] as number;
          columns.promptKeyLow[length] = batch.promptKeyLow[i] as number;
          length += 1;
        }
      }
      books.considered += batch.length;
      books.drop("error", errors);
      books.drop("unscored", unscored);
      books.drop("truncated", truncated);
      books.drop("belowMinQuality", below);
    },

    rows() {
      const { refs, overall, promptKeyHigh, promptKeyLow } = isOrdered ? columns : ordered(columns, length);
      return {
        length,
        refs: refs.subarray(0, length),
        overall: overall.subarray(0, length),
        promptKeyHigh: promptKeyHigh.subarray(0, length),
        promptKeyLow: promptKeyLow.subarray(0, length),
        flags: allFlags,
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
  };
}

const NAMES = ["timestamps", "refs", "overall", "promptKeyHigh", "promptKeyLow"] as const;

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
