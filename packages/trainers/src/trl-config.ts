import type { Json } from "@whetstone/core";
import type { TrainingKind } from "./training-kind.js";
import { type TrainingScriptOptions, trainingSettings } from "./training-script.js";

/**
 * Writes what `trl <kind> --config` takes for the same training, or null for a kind that TRL has no command for.
 * It knows less than the script: no checks, no choice of precision, no adapter to start from that is not merged.
 * `module` is the script's file name less `.py`: the reward functions of GRPO are taken from there.
 */
export function renderTrlConfig(kind: TrainingKind, options: TrainingScriptOptions, module: string): string | null {
  // A name with a dot in it cannot be imported.
  if (kind === "grpo-offline" || (kind === "grpo" && module.includes("."))) return null;
  const { settings } = trainingSettings(kind, options);
  const { model, dataset_path, lora, precision, attention, save_steps, ...rest } = settings;
  const half = precision === "fp16" ? "float16" : precision === "fp32" ? "float32" : "bfloat16";
  const fields: Record<string, Json | undefined> = {
    model_name_or_path: model,
    ...(dataset_path.endsWith(".jsonl") ? {} : { dataset_name: dataset_path }),
    output_dir: rest.output_dir,
    trust_remote_code: rest.trust_remote_code,
    dtype: lora ? half : "float32",
    bf16: half === "bfloat16",
    fp16: half === "float16",
    ...(attention !== "auto" && { attn_implementation: attention }),
    use_peft: lora !== null,
    ...(lora && {
      lora_r: lora.r,
      lora_alpha: lora.lora_alpha,
      lora_dropout: lora.lora_dropout,
      lora_target_modules: lora.target_modules,
      lora_task_type: kind === "reward" ? "SEQ_CLS" : "CAUSAL_LM",
    }),
    load_in_4bit: rest.load_in_4bit,
    ...Object.fromEntries(Object.entries(rest).filter(([name]) => TRAINING_FIELDS.has(name))),
    report_to: rest.report_to.length > 0 ? rest.report_to : "none",
    save_strategy: save_steps === null ? "epoch" : "steps",
    ...(save_steps !== null && { save_steps }),
    ...ownFields(settings, module),
  };
  const lines = Object.entries(fields).flatMap(([name, value]) => (value == null ? [] : [`${name}: ${yaml(value)}`]));
  if (dataset_path.endsWith(".jsonl")) {
    lines.splice(1, 0, "datasets:", "  - path: json", "    data_files:", `      train: ${yaml(dataset_path)}`);
  }
  const place = kind === "grpo" ? "# Start it in this folder: the reward functions are those of the script.\n" : "";
  const start = options.sftModelPath
    ? "# If model_name_or_path holds an adapter, merge it first and name merged in it.\n"
    : "";
  return `${HEAD.replaceAll("KIND", kind)}${place}${start}${lines.join("\n")}\n`;
}

const HEAD = `# trl KIND --config THIS_FILE: the same training as the script beside it, by TRL's own command.
# To evaluate, where the dataset has a test split, add: eval_strategy: epoch
`;

// The fields that have the same name and meaning in the script's CONFIG.
const TRAINING_FIELDS = new Set([
  "max_steps",
  "num_train_epochs",
  "per_device_train_batch_size",
  "per_device_eval_batch_size",
  "gradient_accumulation_steps",
  "gradient_checkpointing",
  "learning_rate",
  "lr_scheduler_type",
  "warmup_steps",
  "weight_decay",
  "max_grad_norm",
  "optim",
  "seed",
  "logging_steps",
  "save_total_limit",
  "run_name",
  "project",
]);

/** The fields that only one kind of training has. */
function ownFields(settings: ReturnType<typeof trainingSettings>["settings"], module: string): Record<string, Json> {
  const { max_length } = settings;
  if ("assistant_only_loss" in settings) {
    return { max_length, assistant_only_loss: settings.assistant_only_loss, packing: settings.packing };
  }
  if ("negative_weight" in settings) return {};
  if (!("rewards" in settings)) {
    const names = ["beta", "loss_type", "loss_weights", "label_smoothing", "center_rewards_coefficient"];
    const weights = ["desirable_weight", "undesirable_weight"];
    return {
      max_length,
      ...Object.fromEntries(Object.entries(settings).filter(([name]) => [...names, ...weights].includes(name))),
      ...("desirable_weight" in settings && { train_sampling_strategy: "sequential" }),
    } as Record<string, Json>;
  }
  const { model, ...rewards } = settings.rewards as {
    readonly [name: string]: { readonly weight: number; path?: string };
  };
  return {
    num_generations: settings.num_generations,
    max_completion_length: settings.max_completion_length,
    temperature: settings.temperature,
    beta: settings.beta,
    loss_type: settings.loss_type,
    use_vllm: settings.use_vllm,
    log_completions: settings.log_completions,
    ...(model?.path !== undefined && { reward_model_name_or_path: model.path }),
    reward_funcs: Object.keys(rewards).map((name) => `${module}.${name}_reward`),
    reward_weights: [...(model ? [model] : []), ...Object.values(rewards)].map(({ weight }) => weight),
  };
}

/** A value as YAML that PyYAML, which reads YAML 1.1, takes for that very value. */
function yaml(value: Json): string {
  if (typeof value === "string") return yamlString(value);
  if (typeof value === "number") return yamlNumber(value);
  if (Array.isArray(value)) return `[${value.map(yaml).join(", ")}]`;
  return String(value);
}

/** Without a point before its exponent, a number would be read as a text. */
function yamlNumber(value: number): string {
  const [mantissa = "", exponent] = String(value).split("e");
  return exponent === undefined ? mantissa : `${mantissa.includes(".") ? mantissa : `${mantissa}.0`}e${exponent}`;
}

/** In double quotes and ASCII. Unlike JSON, YAML has one escape for a character beyond 16 bits. */
function yamlString(text: string): string {
  const escaped = Array.from(text, (character) => {
    if (character === '"' || character === "\\") return `\\${character}`;
    if (/^[ -~]$/.test(character)) return character;
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
  return `"${escaped.join("")}"`;
}
