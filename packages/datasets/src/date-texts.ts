import type { Columns } from "./dataset-card.js";

/** Watches the text columns of a dataset while it is written. */
export interface DateTexts {
  add(lines: readonly string[]): void;
  /** The columns, with `json` as the type of texts among which are dates. */
  settled(): Columns;
}

// What Arrow may take for a time.
const DATE = /^\d{4}-\d\d-\d\d(?:[ T]|$)/;
// What a lenient reader may take for JSON.
const JSON_LIKE = /^\s*(?:[-+]?[\d.]|["[{]|true|false|null|nan|[-+]?inf)/i;

/**
 * Finds text columns that hold dates. Where a file's texts are all dates Arrow's reader takes them for times, whatever
 * type is declared, and gives `2026-01-31` back as `2026-01-31 00:00:00`; declared as JSON they stay the texts they are.
 * A column with texts that are JSON themselves, such as `42`, stays a text: they would come back as numbers.
 */
export function dateTexts(columns: Columns): DateTexts {
  const open = new Set(columns.flatMap(([name, type]) => (type === "string" ? [name] : [])));
  const dated = new Set<string>();
  return {
    add(lines) {
      for (const line of lines) {
        if (open.size === 0) return; // as with all conversational rows but prompts with a reference
        const row = JSON.parse(line);
        for (const name of open) {
          const text = row[name];
          if (typeof text !== "string") continue;
          if (DATE.test(text)) dated.add(name);
          else if (JSON_LIKE.test(text)) open.delete(name);
        }
      }
    },
    settled: () => columns.map(([name, type]) => [name, open.has(name) && dated.has(name) ? "json" : type]),
  };
}
