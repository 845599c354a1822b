import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createParquet, type ParquetColumn } from "./parquet-file.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "whetstone-parquet-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const COLUMNS: readonly ParquetColumn[] = [
  { name: "text", type: "STRING" },
  { name: "score", type: "DOUBLE" },
  { name: "failed", type: "BOOLEAN" },
  { name: "at", type: "TIMESTAMP" },
  { name: "more", type: "JSON" },
];

it("writes rows of any number that a reader gives back, nulls and all", async () => {
  const rows = Array.from({ length: 25_000 }, (_, i) => ({
    text: i % 7 === 0 ? undefined : `row ${i} é\u2028`,
    score: i % 3 === 0 ? null : i / 4,
    failed: i % 2 === 0,
    at: "2026-01-01T00:00:00.001Z",
    more: { i },
  }));
  const path = join(folder, "rows.parquet");
  const file = await createParquet(path, COLUMNS);
  for (let start = 0; start < rows.length; start += 999) await file.write(rows.slice(start, start + 999));
  expect(existsSync(path)).toBe(false);
  await file.finish();
  expect(readdirSync(folder)).toEqual(["rows.parquet"]);
  const bytes = readFileSync(path);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const compressors = { BROTLI: (input: Uint8Array) => new Uint8Array(brotliDecompressSync(input)) };
  expect(parquetMetadata(buffer).row_groups).toHaveLength(3);
  const read = await parquetReadObjects({ file: buffer, compressors });
  expect(read).toEqual(rows.map((row) => ({ ...row, text: row.text ?? null, at: new Date(row.at) })));
});

it("leaves nothing behind when it is abandoned", async () => {
  const file = await createParquet(join(folder, "given-up.parquet"), COLUMNS);
  await file.write([{ text: "a" }]);
  await file.abandon();
  expect(readdirSync(folder)).toEqual(["rows.parquet"]);
});

it("names the path that cannot be written", async () => {
  await expect(createParquet(join(folder, "no", "where.parquet"), COLUMNS)).rejects.toThrow(/where\.parquet/);
});
