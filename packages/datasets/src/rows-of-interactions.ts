import { basename } from "node:path";
import { jsonRows, openDataset } from "./open-dataset.js";
import { rowOrigin } from "./row-origin.js";

/**
 * Counts the rows of a dataset that were made of these interactions, by file; files without such a row are left out.
 * `path` is a folder that a build wrote, or a `.jsonl` file. @throws ConfigError for anything else
 */
export async function countRowsOf(
  path: string,
  interactionIds: ReadonlySet<string>,
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const file of (await openDataset(path)).files) {
    for await (const { row } of jsonRows(file)) {
      if (!rowOrigin(row).interactionIds.some((id) => interactionIds.has(id))) continue;
      counts[basename(file)] = (counts[basename(file)] ?? 0) + 1;
    }
  }
  return counts;
}
