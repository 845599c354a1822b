import { type Exported, type ExportFacts, yamlLines } from "./export-formats.js";
import type { SourceRow } from "./export-source.js";
import { usesTools, wireTurn } from "./hosted-rows.js";

/** A row for Axolotl's chat template strategies. Arguments and parameters are texts, as its documents ask for. */
export function axolotlRow(row: SourceRow): Exported {
  if (row.type === "label") return { leftOut: "noForm" };
  if (row.type === "pair") {
    const { prompt, chosen, rejected } = row;
    // Its preference strategy passes on role and content of a turn, and nothing else.
    if ([...prompt, chosen, rejected].some(usesTools)) return { leftOut: "toolTurns" };
    if (prompt.at(-1)?.role !== "user") return { leftOut: "turnOrder" };
    return { row: { messages: prompt, chosen, rejected } };
  }
  const last = row.messages.length - 1;
  if (row.messages[last]?.role !== "assistant") return { leftOut: "turnOrder" };
  const messages = row.messages.map((turn, at) => ({
    ...wireTurn(turn),
    ...(row.lossOn === "last" && { train: at === last }),
  }));
  const tools = row.tools?.map(({ type, function: { parameters, ...named } }) => ({
    type,
    function: { ...named, ...(parameters && { parameters: JSON.stringify(parameters) }) },
  }));
  return { row: { messages, tools: tools ? JSON.stringify(tools) : null } };
}

/** The settings for `axolotl train`, which name the folder `name` beside where it is run. */
export function axolotlConfig({ name, type, lossOn, hasTest, model }: ExportFacts): string {
  const dataset = (split: string) => ({
    path: `./${name}`,
    split,
    type: type === "pair" ? "chat_template.default" : "chat_template",
    field_messages: "messages",
    ...(type === "pair"
      ? { field_chosen: "chosen", field_rejected: "rejected" }
      : { field_tools: "tools", roles_to_train: ["assistant"], train_on_eos: "turn" }),
    ...(lossOn === "last" && { message_field_training: "train" }),
  });
  const lines = yamlLines({
    base_model: model,
    chat_template: "tokenizer_default",
    ...(type === "pair" && { rl: "dpo" }),
    datasets: [dataset("train")],
    ...(hasTest ? { test_datasets: [dataset("test")] } : { val_set_size: 0 }),
    dataset_prepared_path: `./${name}-axolotl/prepared`,
    output_dir: `./${name}-axolotl/model`,
    adapter: "lora",
    lora_r: 32,
    lora_alpha: 32,
    lora_dropout: 0,
    lora_target_linear: true,
    sequence_len: 4096,
    sample_packing: false,
    micro_batch_size: 1,
    gradient_accumulation_steps: 16,
    num_epochs: type === "pair" ? 1 : 2,
    optimizer: "adamw_torch_fused",
    lr_scheduler: "cosine",
    learning_rate: type === "pair" ? 0.000005 : 0.0002,
    bf16: "auto",
    gradient_checkpointing: true,
    logging_steps: 10,
    save_strategy: "epoch",
  });
  return `# Run it where the folder ${JSON.stringify(name)} is: axolotl train ${JSON.stringify(`${name}/axolotl.yaml`)}\n${lines}`;
}
