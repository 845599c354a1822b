import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Columns } from "../dataset-card.js";
import type { FileSummary } from "../jsonl-file.js";
import type { JsonRow } from "../open-dataset.js";
import { createParquet, type ParquetColumn } from "../parquet-file.js";

/** Writes rows as a Parquet file with the same columns; lists and objects are JSON. */
export async function writeParquet(
  path: string,
  columns: Columns,
  rows: AsyncIterable<JsonRow>,
  signal: AbortSignal | undefined,
): Promise<FileSummary> {
  const file = await createParquet(
    path,
    columns.map(([name, type]): ParquetColumn => ({ name, type: TYPES[type] ?? "JSON" })),
  );
  let count = 0;
  try {
    for await (const { row } of rows) {
      signal?.throwIfAborted();
      await file.write([row]);
      count += 1;
    }
    await file.finish();
  } catch (error) {
    await file.abandon();
    throw error;
  }
  const sha256 = createHash("sha256");
  for await (const chunk of createReadStream(path)) sha256.update(chunk);
  return { rows: count, bytes: (await stat(path)).size, sha256: sha256.digest("hex") };
}

const TYPES: Readonly<Record<string, ParquetColumn["type"]>> = { string: "STRING", float64: "DOUBLE", bool: "BOOLEAN" };
