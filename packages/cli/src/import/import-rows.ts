import type { InteractionStore } from "@whetstone/core";
import { CliError } from "../cli-error.js";
import { counted } from "../counted.js";
import type { ImportedInteraction } from "./imported-interaction.js";
import type { JsonInput } from "./json-rows.js";
import { mappedItems, type RowMapping } from "./row-mapping.js";
import { settled } from "./settled.js";
import { createSpool } from "./spool.js";

/** What an import came to. */
export interface ImportReport {
  /** Rows of the input, blank lines apart. */
  readonly rows: number;
  readonly stored: number;
  /** Interactions whose id the store had already. */
  readonly duplicates: number;
  /** Rows that the mapping wanted left out. */
  readonly skippedRows: number;
  readonly failedRows: number;
  /** Stored or known interactions of which something was cut, mended or redacted; their flags say what. */
  readonly altered: number;
  /** The first few rows that failed. */
  readonly failures: readonly { readonly line: number; readonly reason: string }[];
}

export interface ImportRowsOptions {
  /** Fail at the first bad row, before anything is stored. */
  readonly strict: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (rows: number) => void;
}

const BATCH = 256;
const FAILURES_SHOWN = 5;
const NEVER_SETTLES = "the mapping gave a promise that nothing is left to settle";

/**
 * Streams rows through a mapping into a store. A row is imported whole or, when any of its interactions is not one,
 * not at all.
 */
export async function importRows(
  input: JsonInput,
  mapping: RowMapping,
  read: (given: unknown) => ImportedInteraction,
  store: InteractionStore,
  { strict, signal, onProgress }: ImportRowsOptions,
): Promise<ImportReport> {
  const counts = { rows: 0, stored: 0, duplicates: 0, skippedRows: 0, failedRows: 0, altered: 0 };
  const failures: { line: number; reason: string }[] = [];

  const keep = async (batch: readonly ImportedInteraction[]) => {
    if (batch.length === 0) return;
    const statuses = await store.append(batch.map(({ interaction }) => interaction));
    for (const status of statuses) counts[status === "stored" ? "stored" : "duplicates"] += 1;
    for (const { interaction } of batch) if (interaction.flags) counts.altered += 1;
    const annotations = batch.flatMap((imported) => imported.annotations);
    if (annotations.length > 0) await store.annotate(annotations);
  };

  const interactions = async function* () {
    for await (const line of input.rows()) {
      counts.rows += 1;
      onProgress(counts.rows);
      try {
        if ("reason" in line) throw new Error(line.reason);
        const mapped = mappedItems(await settled(mapping(line.row, line.line), NEVER_SETTLES, signal));
        if (mapped.length === 0) counts.skippedRows += 1;
        yield* mapped.map(read);
      } catch (error) {
        signal.throwIfAborted();
        const reason = error instanceof Error ? error.message : String(error);
        if (strict) {
          throw new CliError("INPUT_INVALID", `line ${line.line} of ${input.name}: ${reason}; nothing was imported`);
        }
        counts.failedRows += 1;
        if (failures.length < FAILURES_SHOWN) failures.push({ line: line.line, reason });
      }
    }
  };

  try {
    await (strict ? checkedFirst() : asTheyCome());
  } catch (error) {
    if (!signal.aborted) throw error;
    const kept = `${counted(counts.stored, "interaction")} stored, run the same command again to import the rest`;
    throw new CliError("INTERRUPTED", `interrupted: ${counts.stored === 0 ? "nothing is stored" : kept}`);
  }
  return { ...counts, failures };

  async function asTheyCome() {
    for await (const batch of batches(interactions(), BATCH)) {
      await keep(batch);
      signal.throwIfAborted();
    }
  }

  async function checkedFirst() {
    // Nothing may be stored before the last row is known to be good, so all of them wait on disk.
    await using spool = await createSpool<ImportedInteraction>();
    for await (const batch of batches(interactions(), BATCH)) await spool.write(batch);
    for await (const batch of batches(spool.read(), BATCH)) {
      signal.throwIfAborted();
      await keep(batch);
    }
  }
}

async function* batches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    if (batch.push(item) < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
