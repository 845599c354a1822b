import type { DatasetKind } from "../build-report.js";

/** How a row is laid out, by its columns. */
export type RowLayout = "messages" | "text" | "prompt-completion" | "pairs" | "labelled" | "groups" | "prompts";

/** A row of unknown content. */
export type DataRow = Readonly<Record<string, unknown>>;

/** What the columns of a row are for; null when they fit no method. */
export function layoutOf(row: DataRow): RowLayout | null {
  const has = (name: string) => row[name] !== undefined && row[name] !== null;
  if (has("chosen") || has("rejected")) return "pairs";
  if (has("responses")) return "groups";
  if (has("label") && (has("completion") || has("prompt"))) return "labelled";
  if (has("completion")) return "prompt-completion";
  if (has("messages")) return "messages";
  if (has("prompt")) return "prompts";
  return has("text") ? "text" : null;
}

/** The method that a layout is for. */
export function methodOf(layout: RowLayout, row: DataRow): DatasetKind {
  if (layout === "pairs") return "margin" in row ? "reward" : "dpo";
  return METHODS[layout];
}

const METHODS = {
  messages: "sft",
  text: "sft",
  "prompt-completion": "sft",
  labelled: "kto",
  groups: "grpo",
  prompts: "grpo-online",
} as const;

/** The layouts that a method can be trained with. Trainers take pairs apart for KTO. */
export const LAYOUTS: Readonly<Record<DatasetKind, readonly [RowLayout, ...RowLayout[]]>> = {
  sft: ["messages", "prompt-completion", "text"],
  dpo: ["pairs"],
  reward: ["pairs"],
  kto: ["labelled", "pairs"],
  grpo: ["groups"],
  "grpo-online": ["prompts"],
};

/** The columns that a layout cannot do without. */
export const NEEDED: Readonly<Record<RowLayout, readonly string[]>> = {
  messages: ["messages"],
  text: ["text"],
  "prompt-completion": ["prompt", "completion"],
  pairs: ["chosen", "rejected"],
  labelled: ["prompt", "completion", "label"],
  groups: ["prompt", "responses"],
  prompts: ["prompt"],
};

/** Columns of this row that trainers take for something else. */
export function reservedColumns(row: DataRow, method: DatasetKind): readonly string[] {
  const reserved = Object.keys(row).filter(
    (name) => RESERVED.has(name) || (method === "grpo-online" && ONLINE.has(name)),
  );
  return "messages" in row && "prompt" in row ? [...reserved, "messages"] : reserved;
}

const RESERVED = new Set([
  ...["image", "images", "labels", "input_ids", "chat_template_kwargs", "completion_mask", "assistant_masks"],
  ...["seq_lengths", "conversations", "environment"],
]);
/** What a reward function is called with besides the columns. */
const ONLINE = new Set([
  ...["completions", "completion_ids", "prompts", "trainer_state", "log_extra", "log_metric", "environments"],
]);

/** Whether `datasets` takes the row for a trace that an agent program recorded, and reads it in its own way. */
export function isAgentTrace(row: DataRow): boolean {
  const has = (...names: readonly string[]) => names.every((name) => name in row);
  return (
    has("id", "source", "model", "system_prompt", "messages") || (has("type") && (has("message") || has("payload")))
  );
}
