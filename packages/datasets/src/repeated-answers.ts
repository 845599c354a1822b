import { crc32 } from "node:zlib";
import type { IndexRows } from "./index-rows.js";
import { keySet } from "./key-set.js";
import { numberGroups } from "./prompt-groups.js";

/**
 * Returns what says of a row's answer whether the same text to the same prompt came before. Most prompts occur once:
 * only the answers of the others are remembered, by their prompt, CRC-32 and length. Of two different answers to one
 * prompt both are the same once in some hundred thousand million times.
 */
export async function repeatFinder(index: IndexRows): Promise<(row: number, text: string) => boolean> {
  const { groupOf, length } = await numberGroups(index);
  const counts = new Uint32Array(length);
  for (let row = 0; row < index.length; row++) {
    const group = groupOf[row] as number;
    counts[group] = (counts[group] as number) + 1;
  }
  const seen = keySet();
  return (row, text) => {
    const group = groupOf[row] as number;
    if (counts[group] === 1) return false;
    const answer = text.trim();
    return !seen.add(crc32(answer), group ^ Math.imul(answer.length, 0x9e3779b1));
  };
}
