import { readFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * The columns that the dataset card of a folder declares; null without such a card. A loader then takes these types
 * instead of guessing, and stops at any other column.
 */
export async function cardFeatures(folder: string): Promise<ReadonlySet<string> | null> {
  const card = await readFile(join(folder, "README.md"), "utf8").catch(() => "");
  const head = /^---\r?\n([\s\S]*?)\r?\n---/.exec(card)?.[1];
  const block = head && /^dataset_info:[\s\S]*?^(\s+)features:\s*$([\s\S]*)/m.exec(head);
  if (!block) return null;
  const [, indent = "", rest = ""] = block;
  const names = new Set<string>();
  let depth: number | null = null;
  for (const line of rest.split(/\r?\n/)) {
    const item = /^(\s*)- name:\s*(?:"([^"]*)"|'([^']*)'|(.*?))\s*$/.exec(line);
    if (!item) {
      // The next key of the card ends the list.
      if (/^\s*[^\s-]/.test(line) && (/^(\s*)/.exec(line)?.[1] ?? "").length <= indent.length) break;
      continue;
    }
    const [, space = "", double, single, plain = ""] = item;
    depth ??= space.length;
    // Features inside features are not columns.
    if (space.length === depth) names.add(double ?? single ?? plain);
  }
  return names.size > 0 ? names : null;
}
