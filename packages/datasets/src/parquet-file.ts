import { rename, rm } from "node:fs/promises";
import { brotliCompressSync, constants } from "node:zlib";
import { ConfigError } from "@whetstone/core";
import { saying, temporaryName } from "./jsonl-file.js";

/** A column of a Parquet file. Any of its values may be null. `JSON` is a text that readers know to be JSON. */
export interface ParquetColumn {
  readonly name: string;
  readonly type: "STRING" | "DOUBLE" | "BOOLEAN" | "TIMESTAMP" | "JSON";
}

/** A new Parquet file under a temporary name. */
export interface ParquetFile {
  /** Appends rows; a missing value is null. */
  write(rows: readonly Readonly<Record<string, unknown>>[]): Promise<void>;
  /** Writes the rest and gives the file its name. An earlier file of that name is replaced. */
  finish(): Promise<void>;
  /** Removes it. */
  abandon(): Promise<void>;
}

/** So many rows are held and compressed together. */
const ROW_GROUP = 10_000;
/** Of Brotli: a third smaller than Snappy, and faster than Snappy in JavaScript. */
const QUALITY = 3;

/**
 * Creates a Parquet file, compressed with Brotli. Needs the package hyparquet-writer.
 * @throws ConfigError when that is not installed
 */
export async function createParquet(path: string, columns: readonly ParquetColumn[]): Promise<ParquetFile> {
  const { fileWriter, ParquetWriter, schemaFromColumnData } = await library();
  const temporary = temporaryName(path);
  const columnsOf = (rows: readonly Readonly<Record<string, unknown>>[]) =>
    columns.map(({ name, type }) => ({
      name,
      type,
      data: rows.map((row) => columnValue(row[name], type)),
      // The least and the greatest JSON text serve no query, and would stand in the file whole.
      statistics: type !== "JSON",
    }));
  const writer = await saying(path, (async () => fileWriter(temporary))());
  const parquet = new ParquetWriter({
    writer,
    schema: schemaFromColumnData({ columnData: columnsOf([]) }),
    codec: "BROTLI",
    compressors: {
      BROTLI: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY } }),
    },
    createdBy: "whetstone",
  });
  let waiting: Readonly<Record<string, unknown>>[] = [];
  const writeGroup = async () => {
    const columnData = columnsOf(waiting);
    waiting = [];
    await saying(path, (async () => parquet.write({ columnData, rowGroupSize: ROW_GROUP }))());
  };

  return {
    async write(rows) {
      for (const row of rows) if (waiting.push(row) >= ROW_GROUP) await writeGroup();
    },
    async finish() {
      if (waiting.length > 0) await writeGroup();
      await saying(path, (async () => parquet.finish())());
      await saying(path, rename(temporary, path));
    },
    async abandon() {
      await rm(temporary, { force: true });
    },
  };
}

function columnValue(value: unknown, type: ParquetColumn["type"]): unknown {
  if (value === undefined || value === null) return null;
  if (type === "TIMESTAMP") return new Date(value as string | number);
  return value;
}

async function library() {
  try {
    return await import("hyparquet-writer");
  } catch (cause) {
    throw new ConfigError("Parquet needs the package hyparquet-writer: npm install hyparquet-writer", { cause });
  }
}
