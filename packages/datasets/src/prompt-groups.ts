import { setImmediate as nextTurn } from "node:timers/promises";
import type { IndexRows } from "./index-rows.js";

/** Loops over all groups give others their turn after so many: a build may run in a process that answers requests. */
export const GROUPS_A_TURN = 2048;
const ROWS_A_TURN = 16_384;

/** Rows grouped by the 64-bit prompt key, in typed arrays. Group `g` is `members[starts[g]]` up to `members[starts[g + 1]]`. */
export interface PromptGroups {
  readonly length: number;
  readonly starts: Uint32Array;
  /** Row positions; within a group the worst answer first, equal scores by age. */
  readonly members: Uint32Array;
}

/** Groups rows by prompt, in the order of each prompt's newest answer: the order does not depend on hash values. */
export async function groupByPrompt(rows: IndexRows): Promise<PromptGroups> {
  const { groupOf, length } = await numberGroups(rows);
  const starts = new Uint32Array(length + 1);
  for (let row = 0; row < rows.length; row++) {
    const after = (groupOf[row] as number) + 1;
    starts[after] = (starts[after] as number) + 1;
  }
  for (let group = 0; group < length; group++) {
    starts[group + 1] = (starts[group + 1] as number) + (starts[group] as number);
  }
  await nextTurn();
  const next = starts.slice(0, length);
  const members = new Uint32Array(rows.length);
  for (let row = 0; row < rows.length; row++) {
    const group = groupOf[row] as number;
    const place = next[group] as number;
    members[place] = row;
    next[group] = place + 1;
  }
  await nextTurn();
  await sortByScore(members, starts, rows.overall);
  return { length, starts, members };
}

/** The row positions of one group, the worst answer first. */
export function membersOf({ starts, members }: PromptGroups, group: number): Uint32Array {
  return members.subarray(starts[group], starts[group + 1]);
}

/**
 * Says of each row which group it belongs to. Groups are numbered in the order of their newest rows.
 *
 * Open addressing with linear probing: a slot holds a row's position + 1, the keys stay in the columns.
 */
export async function numberGroups({
  length: count,
  promptKeyHigh,
  promptKeyLow,
}: IndexRows): Promise<{ readonly groupOf: Uint32Array; readonly length: number }> {
  const bits = Math.max(4, Math.ceil(Math.log2(count * 1.5 + 1)));
  const slots = new Uint32Array(2 ** bits);
  const mask = slots.length - 1;
  const groupOf = new Uint32Array(count);
  let length = 0;
  for (let row = count - 1; row >= 0; row--) {
    if (row % ROWS_A_TURN === 0) await nextTurn();
    const high = promptKeyHigh[row] as number;
    const low = promptKeyLow[row] as number;
    let slot = (Math.imul(high ^ Math.imul(low, 0x85ebca6b), 0x9e3779b1) >>> (32 - bits)) & mask;
    for (;;) {
      const holder = slots[slot] as number;
      if (holder === 0) {
        slots[slot] = row + 1;
        groupOf[row] = length;
        length += 1;
        break;
      }
      if (promptKeyHigh[holder - 1] === high && promptKeyLow[holder - 1] === low) {
        groupOf[row] = groupOf[holder - 1] as number;
        break;
      }
      slot = (slot + 1) & mask;
    }
  }
  // Numbered from the newest row backwards; turned round, the prompt with the oldest last answer comes first.
  for (let row = 0; row < count; row++) groupOf[row] = length - 1 - (groupOf[row] as number);
  return { groupOf, length };
}

async function sortByScore(members: Uint32Array, starts: Uint32Array, overall: Float64Array): Promise<void> {
  for (let group = 0; group + 1 < starts.length; group++) {
    if (group % GROUPS_A_TURN === GROUPS_A_TURN - 1) await nextTurn();
    const start = starts[group] as number;
    const end = starts[group + 1] as number;
    if (end - start <= FEW) sortFew(members, start, end, overall);
    else members.subarray(start, end).sort((a, b) => (overall[a] as number) - (overall[b] as number) || a - b);
  }
}

/** Most groups are this small, and there are many: an insertion sort in place spares each of them a view and a call. */
const FEW = 12;

// The members come by age, and those with equal scores stay in that order.
function sortFew(members: Uint32Array, start: number, end: number, overall: Float64Array): void {
  for (let i = start + 1; i < end; i++) {
    const row = members[i] as number;
    const score = overall[row] as number;
    let at = i;
    for (; at > start && (overall[members[at - 1] as number] as number) > score; at--) {
      members[at] = members[at - 1] as number;
    }
    members[at] = row;
  }
}
