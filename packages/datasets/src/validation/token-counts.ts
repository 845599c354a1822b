import { type ChatTokenizer, textOf } from "./chat-tokenizer.js";
import type { Part, RowParts } from "./row-parts.js";
import type { Note, Turn } from "./turn-checks.js";

/** What is known of the tokens of a dataset. */
export interface TokenReport {
  /** The tokenizer's folder; null where counts are an estimate. */
  readonly tokenizer: string | null;
  readonly maxLength: number;
  /** Rows whose tokens were counted: all, or those of the sample. */
  readonly rows: number;
  /** Of everything that the trainer reads, every answer of a row with its prompt. */
  readonly total: number;
  /** Of what the loss is on: the assistant's turns, or the completions. */
  readonly trained: number;
  readonly trainedShare: number;
  /** Rows that are longer than `maxLength`, in their longest answer. */
  readonly truncated: number;
  readonly truncatedShare: number;
  /** Tokens of a row with its longest answer. Quantiles are upper bounds, within 5 %. */
  readonly longest: number;
  readonly mean: number;
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
  /** Rows of fewer tokens than this, and of as many as the entry before or more. */
  readonly histogram: readonly { readonly below: number; readonly rows: number }[];
}

/** Counts the tokens of rows, one after the other, in constant memory. */
export interface TokenCounts {
  add(parts: RowParts, note: Note): void;
  report(): TokenReport;
}

/** Bins of the finer histogram in each doubling. */
const FINE = 16;
const MAX_BINS = FINE * 40;
const FIRST_BAR = 64;

export function tokenCounts(tokenizer: ChatTokenizer, maxLength: number): TokenCounts {
  const bins = new Float64Array(MAX_BINS);
  let [rows, total, trained, truncated, longest, sum] = [0, 0, 0, 0, 0, 0];

  const quantile = (share: number): number => {
    let left = Math.ceil(rows * share);
    for (let bin = 0; bin < MAX_BINS; bin++) {
      left -= bins[bin] as number;
      if (left <= 0) return Math.min(longest, Math.floor(2 ** ((bin + 1) / FINE)));
    }
    return longest;
  };

  return {
    add(parts, note) {
      const lengths = rowLengths(parts, tokenizer, note);
      if (!lengths) return;
      const length = Math.max(...lengths.map(({ whole }) => whole));
      rows += 1;
      sum += length;
      for (const one of lengths) {
        total += one.whole;
        trained += one.trained;
      }
      if (length > maxLength) truncated += 1;
      if (parts.answers.length > 0 && lengths.some(({ before }) => before >= maxLength)) {
        note("promptTooLong", `${Math.max(...lengths.map(({ before }) => before))} tokens`);
      }
      longest = Math.max(longest, length);
      const bin = Math.min(MAX_BINS - 1, Math.floor(Math.log2(Math.max(1, length)) * FINE));
      bins[bin] = (bins[bin] as number) + 1;
    },
    report: () => ({
      tokenizer: tokenizer.folder,
      maxLength,
      rows,
      total,
      trained,
      trainedShare: share(trained, total),
      truncated,
      truncatedShare: share(truncated, rows),
      longest,
      mean: Math.round(share(sum, rows) * 10) / 10,
      median: quantile(0.5),
      p90: quantile(0.9),
      p99: quantile(0.99),
      histogram: bars(bins, longest),
    }),
  };
}

/** Of one answer with its prompt: all tokens, those before the answer, and those that the loss is on. */
interface Lengths {
  readonly whole: number;
  readonly before: number;
  readonly trained: number;
}

function rowLengths(parts: RowParts, tokenizer: ChatTokenizer, note: Note): readonly Lengths[] | null {
  try {
    if (parts.answers.length === 0) {
      const whole = lengthOf(parts.prompt ?? "", tokenizer, parts.tools, true);
      return [{ whole, before: whole, trained: 0 }];
    }
    return parts.answers.map((answer) => {
      if (parts.prompt === null) return wholeLengths(answer, parts, tokenizer, note);
      const before = lengthOf(parts.prompt, tokenizer, parts.tools, true);
      const whole =
        typeof answer === "string" || typeof parts.prompt === "string"
          ? before + tokenizer.count(typeof answer === "string" ? answer : "") + 1 // and the token that ends it
          : lengthOf([...parts.prompt, ...answer], tokenizer, parts.tools, false);
      return { whole, before, trained: Math.max(0, whole - before) };
    });
  } catch (error) {
    note("templateError", error instanceof Error ? error.message : String(error));
    return null;
  }
}

function lengthOf(part: Part, tokenizer: ChatTokenizer, tools: unknown, addGenerationPrompt: boolean): number {
  if (typeof part === "string") return tokenizer.count(part);
  return tokenizer.count(tokenizer.render(part, { tools, addGenerationPrompt }));
}

/** A conversation with the loss on its assistant turns, each counted as the template writes it at its place. */
function wholeLengths(answer: Part, { tools, layout }: RowParts, tokenizer: ChatTokenizer, note: Note): Lengths {
  if (typeof answer === "string") {
    const whole = tokenizer.count(answer);
    return { whole, before: 0, trained: whole };
  }
  const text = tokenizer.render(answer, { tools });
  let [before, trained] = [-1, 0];
  let isRewritten = false;
  for (const [at, turn] of answer.entries()) {
    // Pairs that state no prompt are compared in their last turn.
    if (turn.role !== "assistant" || (layout === "pairs" && at < answer.length - 1)) continue;
    const start = at === 0 ? "" : tokenizer.render(answer.slice(0, at), { tools, addGenerationPrompt: true });
    const end = at === answer.length - 1 ? text : renderedOrNull(answer.slice(0, at + 1), tokenizer, tools);
    const isInPlace = end !== null && text.startsWith(end) && end.startsWith(start);
    isRewritten ||= !isInPlace;
    trained += tokenizer.count(isInPlace ? end.slice(start.length) : textOf(turn.content));
    if (before < 0) before = tokenizer.count(start);
  }
  if (isRewritten) note("templateRewritesTurns");
  return { whole: tokenizer.count(text), before: Math.max(0, before), trained };
}

/** Some templates refuse a conversation that stops at a call of a tool. */
function renderedOrNull(turns: readonly Turn[], tokenizer: ChatTokenizer, tools: unknown): string | null {
  try {
    return tokenizer.render(turns, { tools });
  } catch {
    return null;
  }
}

function bars(bins: Float64Array, longest: number): TokenReport["histogram"] {
  const found: { below: number; rows: number }[] = [];
  for (let below = FIRST_BAR, from = 0; ; below *= 2) {
    const end = Math.min(MAX_BINS, Math.log2(below) * FINE);
    let rows = 0;
    for (let bin = from; bin < end; bin++) rows += bins[bin] as number;
    found.push({ below, rows });
    from = end;
    if (below > longest || end === MAX_BINS) return found;
  }
}

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
