import { basename, dirname } from "node:path";
import { checkChoice, checkCount } from "../build-options.js";
import type { DatasetKind } from "../build-report.js";
import { type DataFile, dataFiles, dataLines } from "../data-lines.js";
import { cardFeatures } from "./card-features.js";
import { type ChatTokenizer, estimatedTokenizer, openTokenizer } from "./chat-tokenizer.js";
import { columnTypes } from "./column-types.js";
import { type Finding, type Findings, isError, isWarning, findings as newFindings } from "./findings.js";
import { rowOfLine } from "./line-json.js";
import { rowComparison } from "./row-comparison.js";
import {
  type DataRow,
  isAgentTrace,
  LAYOUTS,
  layoutOf,
  methodOf,
  type RowLayout,
  reservedColumns,
} from "./row-layout.js";
import { type RowParts, rowParts } from "./row-parts.js";
import { textChecks } from "./row-texts.js";
import { type TokenCounts, type TokenReport, tokenCounts } from "./token-counts.js";
import type { Note } from "./turn-checks.js";

export interface ValidateOptions {
  /** What the dataset is for. Default: what the columns of its first row are for. */
  readonly method?: DatasetKind | undefined;
  /**
   * The folder of the model's tokenizer, for the real template and the real counts. Needs @huggingface/jinja and
   * @huggingface/tokenizers. Default: an estimate.
   */
  readonly tokenizer?: string | undefined;
  /** What the trainer cuts rows at, in tokens. Default 1024, as TRL's. */
  readonly maxLength?: number | undefined;
  /** Rows in a step, over all devices and accumulated ones. Default 8. */
  readonly batchSize?: number | undefined;
  /** GRPO: answers that the trainer makes to each prompt, to be checked against the batch size. */
  readonly numGenerations?: number | undefined;
  /** Renders and counts about so many rows, spread over the files. Default: all. */
  readonly sampleRows?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called every few hundred rows. */
  readonly onProgress?: ((progress: { readonly rows: number; readonly share: number }) => void) | undefined;
}

export interface ValidationReport {
  readonly path: string;
  /** `errors`: training would fail, or learn something else. `warnings`: worth a look. `sound`: notes at most. */
  readonly status: "sound" | "warnings" | "errors";
  /** Null when no row told. */
  readonly method: DatasetKind | null;
  readonly files: readonly { readonly name: string; readonly part: "train" | "test"; readonly rows: number }[];
  readonly rows: number;
  /** Errors first. */
  readonly findings: readonly Finding[];
  readonly tokens: TokenReport;
  /** KTO: how many answers are wanted and unwanted, and weights that make up for it; null for other methods. */
  readonly labels: {
    readonly wanted: number;
    readonly unwanted: number;
    readonly desirableWeight: number;
    readonly undesirableWeight: number;
  } | null;
}

/**
 * Tells what would fail, or quietly train something wrong, before a GPU is rented. Reads a `.jsonl` file or a folder of
 * some (also gzipped), whoever wrote it, as a stream: memory does not grow with the files.
 * @throws ConfigError for a wrong option, a path that cannot be read or a tokenizer that cannot be used
 */
export async function validateDataset(path: string, options: ValidateOptions = {}): Promise<ValidationReport> {
  const { maxLength = 1024, batchSize = 8, numGenerations, sampleRows = Infinity, signal } = options;
  checkCount("maxLength", maxLength, 1);
  checkCount("batchSize", batchSize, 1);
  checkCount("sampleRows", sampleRows, 0);
  if (numGenerations !== undefined) checkCount("numGenerations", numGenerations, 2);
  if (options.method !== undefined) checkChoice("method", options.method, Object.keys(LAYOUTS) as DatasetKind[]);
  signal?.throwIfAborted();
  const files = await dataFiles(path);
  const tokenizer = options.tokenizer === undefined ? estimatedTokenizer : await openTokenizer(options.tokenizer);
  const features = await cardFeatures(files[0]?.path === path ? dirname(path) : path);
  const found = newFindings();
  const work = rowChecks({
    found,
    tokenizer,
    tokens: tokenCounts(tokenizer, maxLength),
    features,
    method: options.method,
  });

  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let [rows, bytesBefore, nextSample] = [0, 0, 0];
  const counts: { name: string; part: "train" | "test"; rows: number }[] = [];
  for (const file of files) {
    const begun = work.begin(file);
    let rowsOfFile = 0;
    for await (const { number, offset, text, trouble } of dataLines(file, signal)) {
      const at = { file: file.name, line: number };
      const note: Note = (code, detail) => found.add(code, detail ?? null, at);
      rowsOfFile += 1;
      if (text === null) {
        if (trouble) note(trouble);
        continue;
      }
      const isSampled = bytesBefore + offset >= nextSample;
      if (isSampled) nextSample += sampleRows === 0 ? Infinity : totalBytes / sampleRows;
      await begun.row(text, offset, isSampled, note);
      if (++rows % PROGRESS_ROWS === 0) {
        options.onProgress?.({ rows, share: totalBytes === 0 ? 1 : (bytesBefore + offset) / totalBytes });
      }
    }
    begun.end();
    bytesBefore += file.bytes;
    counts.push({ name: file.name, part: file.isTest ? "test" : "train", rows: rowsOfFile });
  }
  return work.report({ path, files: counts, batchSize, numGenerations });
}

const PROGRESS_ROWS = 256;

interface Work {
  readonly found: Findings;
  readonly tokenizer: ChatTokenizer;
  readonly tokens: TokenCounts;
  readonly features: ReadonlySet<string> | null;
  readonly method: DatasetKind | undefined;
}

interface Whole {
  readonly path: string;
  readonly files: ValidationReport["files"];
  readonly batchSize: number;
  readonly numGenerations: number | undefined;
}

function rowChecks({ found, tokenizer, tokens, features, method: wanted }: Work) {
  const comparison = rowComparison();
  const checkTexts = textChecks();
  const forms = new Map<string, string>();
  let method = wanted ?? null;
  let columns: string | null = null;
  const layouts = new Set<RowLayout>();
  let hasMessages = false;

  /** The layout of a row of the dataset's method; null when it has another one. */
  function fittingLayout(row: DataRow, note: Note): RowLayout | null {
    const layout = layoutOf(row);
    method ??= layout && methodOf(layout, row);
    const names = Object.keys(row).slice(0, 12).join(", ");
    if (method === null) {
      note("unknownColumns", names);
      return null;
    }
    if (layout && LAYOUTS[method].includes(layout)) return layout;
    // GRPO takes any column beside the prompt.
    if (method === "grpo-online" && row.prompt !== undefined && row.prompt !== null) return "prompts";
    note("missingColumn", `for ${method}, in a row of ${names === "" ? "no column" : names}`);
    return null;
  }

  function checkColumns(row: DataRow, note: Note): void {
    const names = Object.keys(row).sort().join(", ");
    columns ??= names;
    if (features) {
      const undeclared = Object.keys(row).filter((name) => !features.has(name));
      if (undeclared.length > 0) note("undeclaredColumn", undeclared.join(", "));
    } else if (names !== columns) note("changingColumns", names);
    const reserved = reservedColumns(row, method ?? "sft");
    if (reserved.length > 0) note("reservedColumn", reserved.join(", "));
    if (isAgentTrace(row)) note("agentTraceColumns");
  }

  function checkForms(row: DataRow, note: Note): void {
    for (const name of ["prompt", "completion", "chosen", "rejected", "messages"]) {
      const value = row[name];
      if (value === undefined || value === null) continue;
      const form = typeof value === "string" ? "a text" : "a message list";
      const first = forms.get(name) ?? form;
      forms.set(name, first);
      if (first !== form) note("mixedForms", `${name} is ${form} here and was ${first}`);
    }
  }

  return {
    begin(file: DataFile) {
      const types = features ? null : columnTypes();
      return {
        async row(text: string, offset: number, isSampled: boolean, note: Note): Promise<void> {
          const row = rowOfLine(text, note);
          if (!row) return;
          for (const { code, detail } of types?.add(row, text, offset) ?? []) note(code, detail);
          const layout = fittingLayout(row, note);
          checkColumns(row, note);
          if (!layout) return;
          layouts.add(layout);
          checkForms(row, note);
          const parts = rowParts(row, layout, note);
          if (!parts) return;
          hasMessages ||= partsHaveMessages(parts);
          if (isSampled) tokens.add(parts, note);
          comparison.add(row, parts, file.isTest, note);
          await checkTexts(parts, note);
        },
        end() {
          for (const column of types?.dateTexts() ?? []) found.add("dateTexts", column, { file: file.name, line: 1 });
        },
      };
    },
    report({ path, files, batchSize, numGenerations }: Whole): ValidationReport {
      const trained = files.filter(({ part }) => part === "train").reduce((sum, { rows }) => sum + rows, 0);
      const rows = files.reduce((sum, file) => sum + file.rows, 0);
      if (trained === 0) found.add("noRows", rows > 0 ? "the training part" : basename(path));
      comparison.finish(found);
      const counted = tokens.report();
      stateTokens(found, tokenizer, counted, { hasMessages, isWhole: layouts.has("messages") });
      const labels = method === "kto" && !layouts.has("pairs") ? weighed(comparison.labels) : null;
      if (labels) stateBalance(found, labels, trained);
      if (method === "kto" && batchSize < 2) found.add("batchTooSmall", `batchSize is ${batchSize}`);
      if (numGenerations !== undefined && batchSize % numGenerations !== 0) {
        found.add("batchNotDivisible", `batchSize is ${batchSize}, numGenerations ${numGenerations}`);
      }
      const steps = Math.ceil(trained / batchSize);
      if (trained > 0 && steps < 10) found.state("fewSteps", steps, `${trained} rows in batches of ${batchSize}`);
      const list = found.list();
      const status = list.some(isError) ? "errors" : list.some(isWarning) ? "warnings" : "sound";
      return { path, status, method, files, rows, findings: list, tokens: counted, labels };
    },
  };
}

function partsHaveMessages({ prompt, answers }: RowParts): boolean {
  return [prompt, ...answers].some((part) => part !== null && typeof part !== "string");
}

function stateTokens(
  found: Findings,
  tokenizer: ChatTokenizer,
  { rows, truncated, truncatedShare, maxLength, total, trainedShare }: TokenReport,
  { hasMessages, isWhole }: { readonly hasMessages: boolean; readonly isWhole: boolean },
): void {
  if (rows === 0) return;
  if (tokenizer.folder === null) found.state("estimatedTokens", rows, `${rows} rows`);
  else if (hasMessages && !tokenizer.hasTemplate) found.add("noChatTemplate", tokenizer.folder);
  else if (isWhole && !tokenizer.hasGenerationMarks) found.add("noGenerationMarks", tokenizer.folder);
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  if (truncated > 0) {
    const told = `${truncated} of ${rows} rows (${percent(truncatedShare)}) have more than ${maxLength} tokens`;
    found.state("truncatedRows", truncated, told);
  }
  if (trainedShare > 0 && trainedShare < 0.05) {
    found.state("fewTrainedTokens", total, `${percent(trainedShare)} of ${total} tokens`);
  }
}

/** TRL's advice: the weighted classes stand between 1 : 1 and 4 : 3. The larger one is weighed down. */
function weighed({ wanted, unwanted }: { readonly wanted: number; readonly unwanted: number }) {
  const round = (value: number) => Math.round(value * 1000) / 1000;
  const isUsable = wanted > 0 && unwanted > 0;
  return {
    wanted,
    unwanted,
    desirableWeight: isUsable && wanted > unwanted ? round(unwanted / wanted) : 1,
    undesirableWeight: isUsable && unwanted > wanted ? round(wanted / unwanted) : 1,
  };
}

function stateBalance(found: Findings, labels: NonNullable<ValidationReport["labels"]>, rows: number): void {
  const { wanted, unwanted, desirableWeight, undesirableWeight } = labels;
  if (wanted + unwanted === 0 || rows === 0) return;
  if (wanted === 0 || unwanted === 0) found.add("oneClassOnly", `${wanted} wanted, ${unwanted} unwanted`);
  else if (wanted > 2 * unwanted || unwanted > 2 * wanted) {
    const weights = `desirable_weight ${desirableWeight} and undesirable_weight ${undesirableWeight}`;
    found.state("classImbalance", Math.max(wanted, unwanted), `${wanted} wanted, ${unwanted} unwanted, so ${weights}`);
  }
}
