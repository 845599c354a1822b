import type { IndexRows } from "./index-rows.js";
import { keySet, textKey } from "./key-set.js";
import { numberGroups } from "./prompt-groups.js";

/**
 * Returns what says of a row's answer whether the same text to the same prompt came before. Most prompts occur once:
 * only the answers of the others are hashed and remembered, in 64 bits each.
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
    return (counts[group] as number) > 1 && !seen.add(...textKey(`${group} ${text.trim()}`));
  };
}
