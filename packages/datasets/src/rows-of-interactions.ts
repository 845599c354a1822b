import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { openDataset } from "./dataset-diff.js";
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
    const input = createReadStream(file);
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (!idsOf(line).some((id) => interactionIds.has(id))) continue;
      counts[basename(file)] = (counts[basename(file)] ?? 0) + 1;
    }
  }
  return counts;
}

function idsOf(line: string): readonly string[] {
  try {
    const row: unknown = JSON.parse(line);
    return typeof row === "object" && row !== null ? rowOrigin(row).interactionIds : [];
  } catch {
    return []; // no row of ours
  }
}
