import type { ChatMessage } from "@whetstone/core";
import { type Exported, type ExportFacts, yamlLines } from "./export-formats.js";
import type { SourceRow, Tools, Turns } from "./export-source.js";

/**
 * A row in LLaMA-Factory's own ShareGPT form: every column is a text or a list of `from` and `value`, so that a loader
 * has nothing to guess. What it would skip with a warning, or misread, is left out here.
 */
export function llamaFactoryRow(row: SourceRow): Exported {
  const said = row.type === "pair" ? row.prompt : row.messages;
  const [first] = said;
  const system = first?.role === "system" ? first.content : "";
  const turns = first?.role === "system" ? said.slice(1) : said;
  const answers = row.type === "pair" ? [row.chosen, row.rejected] : [];
  // Its turns alternate: somebody asks or a tool answers, then the model speaks or calls.
  const isModel = ({ role }: ChatMessage) => role === "assistant";
  const alternates = turns.every((turn, at) => turn.role !== "system" && isModel(turn) === (at % 2 === 1));
  if (!alternates || turns.length === 0 || (turns.length % 2 === 0) === (row.type === "pair"))
    return { leftOut: "turnOrder" };
  // A call has the place of the words, so words beside it would be lost.
  if ([...turns, ...answers].some(({ content, tool_calls }) => tool_calls?.length && content.trim() !== "")) {
    return { leftOut: "textBesideCall" };
  }
  const common = { conversations: turns.map(tagged), system, tools: toolsText(row.tools) };
  if (row.type === "chat") return { row: common };
  if (row.type === "label") return { row: { ...common, label: row.label } };
  return { row: { ...common, chosen: tagged(row.chosen), rejected: tagged(row.rejected) } };
}

function tagged({ role, content, tool_calls: calls }: Turns[number]): { from: string; value: string } {
  if (calls?.length) return { from: "function_call", value: JSON.stringify(calls.map((call) => call.function)) };
  return { from: role === "assistant" ? "gpt" : role === "tool" ? "observation" : "human", value: content };
}

const toolsText = (tools: Tools): string => (tools ? JSON.stringify(tools.map((tool) => tool.function)) : "");

/** The entry for the test part, where there is one, stands beside that of the training part. */
export function llamaFactoryInfo({ type, hasTest }: ExportFacts): string {
  const entry = (file: string) => ({
    file_name: file,
    formatting: "sharegpt",
    ...(type === "pair" && { ranking: true }),
    columns: {
      messages: "conversations",
      system: "system",
      tools: "tools",
      ...(type === "pair" && { chosen: "chosen", rejected: "rejected" }),
      ...(type === "label" && { kto_tag: "label" }),
    },
  });
  const entries = { train: entry("train.jsonl"), ...(hasTest && { test: entry("test.jsonl") }) };
  return `${JSON.stringify(entries, null, 2)}\n`;
}

/** The settings for `llamafactory-cli train`. */
export function llamaFactoryConfig({ name, type, lossOn, isReward, hasTest, model }: ExportFacts): string {
  const stage = type === "pair" ? (isReward ? "rm" : "dpo") : type === "label" ? "kto" : "sft";
  const preference = stage === "dpo" || stage === "kto";
  const lines = yamlLines({
    model_name_or_path: model,
    stage,
    do_train: true,
    dataset_dir: `./${name}`,
    dataset: "train",
    ...(hasTest && { eval_dataset: "test", eval_strategy: "epoch", per_device_eval_batch_size: 1 }),
    ...(lossOn === "last" && { mask_history: true }),
    cutoff_len: 4096,
    finetuning_type: "lora",
    lora_rank: 32,
    lora_alpha: 32,
    lora_target: "all",
    ...(preference && { pref_beta: 0.1 }),
    output_dir: `./${name}-llama-factory`,
    per_device_train_batch_size: stage === "kto" ? 2 : 1,
    gradient_accumulation_steps: 16,
    num_train_epochs: preference ? 1 : 2,
    learning_rate: preference ? 0.000005 : 0.0002,
    lr_scheduler_type: "cosine",
    warmup_ratio: 0.1,
    bf16: true,
    logging_steps: 10,
    save_strategy: "epoch",
    report_to: "none",
  });
  return `# Run it where the folder ${JSON.stringify(name)} is: llamafactory-cli train ${JSON.stringify(`${name}/llama-factory.yaml`)}
# Without a template the model's own is taken apart; name LLaMA-Factory's for yours, such as qwen3, where tools are called.
# template: qwen3
${lines}`;
}
