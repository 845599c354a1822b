import { type BuildReport, dropReasons } from "./build-report.js";
import type { FileSummary } from "./jsonl-file.js";

/** What a dataset folder says about itself. */
export interface FolderFacts {
  /** Column names and types, as `columnTypes` finds them. */
  readonly columns: Columns;
  readonly files: Readonly<Record<string, FileSummary>>;
  readonly testShare: number | null;
  readonly options: Readonly<Record<string, unknown>> | null;
  readonly report: BuildReport | null;
}

/** The columns of a dataset in their order. */
export type Columns = readonly (readonly [name: string, type: ColumnType])[];

export type ColumnType = "string" | "float64" | "bool" | "json" | "list of json";

/**
 * The types of a row's columns. Of our columns that can be null `reference` is a text and `tools` a list; what will stand
 * in somebody else's is not known yet.
 */
export function columnTypes(row: object): (readonly [string, ColumnType])[] {
  return Object.entries(row).map(([name, value]) => [name, columnType(name, value)] as const);
}

function columnType(name: string, value: unknown): ColumnType {
  if (name === "reference") return "string";
  if (Array.isArray(value) || name === "tools") return "list of json";
  if (typeof value === "string") return "string";
  if (typeof value === "number") return "float64";
  return typeof value === "boolean" ? "bool" : "json";
}

/**
 * The folder's README: its YAML head declares every column, so that `load_dataset` reads the types from it instead of
 * guessing them from the first rows.
 */
export function renderCard({ columns, files, report }: FolderFacts): string {
  const splits = Object.keys(files).map((file) => `  - split: ${file.replace(/\.\w+$/, "")}\n    path: ${file}`);
  // `datasets` caches a local folder by its name and this head. Without a trace of the rows it would give those of an
  // earlier build, and without a word.
  const checksums = Object.entries(files).map(([file, { sha256 }]) => `${file} sha256 ${sha256}`);
  const features = columns.map(([name, type]) =>
    type === "list of json"
      ? `  - name: ${JSON.stringify(name)}\n    list: json`
      : `  - name: ${JSON.stringify(name)}\n    dtype: ${type}`,
  );
  const counts = Object.entries(files).map(([file, { rows, bytes }]) => `| ${file} | ${rows} | ${bytes} |`);
  return `---
configs:
- config_name: default
  data_files:
${splits.join("\n")}
  description: ${checksums.join(", ")}
dataset_info:
  features:
${features.join("\n")}
---

# ${report ? `${report.kind.toUpperCase()} dataset` : "Dataset"}

Built by Whetstone from recorded agent interactions. \`manifest.json\` holds the options, the counts and the checksums.

| file | rows | bytes |
|---|---|---|
${counts.join("\n")}

\`\`\`python
from datasets import load_dataset

dataset = load_dataset("path/to/this/folder")
\`\`\`
`;
}

/** Marks a manifest as ours, and says how it is laid out. */
export const MANIFEST_FORMAT = 1;

/** The folder's manifest, the same for the same build: it holds no time and no path. */
export function renderManifest({ columns, files, testShare, options, report }: FolderFacts): string {
  // Also the rules that removed nothing: that they were looked at is part of the record.
  const drops = report ? dropReasons(report).map((reason) => [reason, report.drops[reason]]) : [];
  const manifest = {
    whetstone_manifest: MANIFEST_FORMAT,
    kind: report?.kind ?? null,
    options: options && snakeKeys(options),
    test_share: testShare,
    rows: Object.values(files).reduce((sum, file) => sum + file.rows, 0),
    considered: report?.considered ?? null,
    used: report?.used ?? null,
    unused: report?.unused ?? null,
    prompts: report?.prompts ?? null,
    prompts_used: report?.promptsUsed ?? null,
    drops: snakeKeys(Object.fromEntries(drops)),
    score_sources: report?.scoreSources ?? null,
    calibrations: report?.calibrations ?? null,
    top_contributors:
      report?.topContributors.map(({ userId, interactions }) => ({ user_id: userId, interactions })) ?? null,
    columns: Object.fromEntries(columns),
    files,
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** Under the names that files have; of a mix the options of each part too. An absent option or no limit is null in JSON. */
function snakeKeys(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const inner = (value: unknown) => (typeof value === "object" && value !== null ? snakeKeys({ ...value }) : value);
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [
      snake(name),
      Array.isArray(value) ? value.map(inner) : (value ?? null),
    ]),
  );
}
