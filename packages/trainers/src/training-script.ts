import { ConfigError, type Json } from "@whetstone/core";
import * as z from "zod";
import { asciiJson } from "./ascii-json.js";
import { modelText, nameText, pathText } from "./config-text.js";
import { quoted } from "./quoted.js";
import { renderScript } from "./script-template.js";
import { parseTrainingConfig, type TrainingConfig, type TrainingConfigInput } from "./training-config.js";
import { checkTrainingKind, type TrainingKind } from "./training-kind.js";

export interface TrainingScriptOptions {
  /** A dataset folder, or one `.jsonl` file, as seen from the folder the script will be started in. */
  readonly datasetPath: string;
  /** Where the script saves the model. Default: `outputDir` of the config, else `./<kind>-model`. */
  readonly outputDir?: string | null | undefined;
  /** All but SFT: what an SFT run saved, an adapter or a whole model. Training starts from it, not from `baseModel`. */
  readonly sftModelPath?: string | null | undefined;
  /** Train only on rows whose metadata has this agent_type. */
  readonly agentType?: string | null | undefined;
  readonly config?: TrainingConfigInput | null | undefined;
}

/**
 * Writes the Python script that trains a model on a dataset. The same options give the same text.
 * @throws ConfigError naming the option that is wrong
 * @example
 * const script = generateTrainingScript("sft", { datasetPath: "./data/sft", config: { baseModel: "Qwen/Qwen3-0.6B" } });
 */
export function generateTrainingScript(kind: TrainingKind, options: TrainingScriptOptions): string {
  const { config, settings } = trainingSettings(kind, options);
  return renderScript(kind, {
    config: asciiJson(settings),
    reward: kind === "reward",
    grpo: kind === "grpo",
    vllm: kind === "grpo" && config.useVllm,
    bitsandbytes: config.loadIn4bit || config.optimizer.endsWith("8bit"),
    wandb: config.reportTo.includes("wandb"),
    trackio: config.reportTo.includes("trackio"),
    tensorboard: config.reportTo.includes("tensorboard"),
    mlflow: config.reportTo.includes("mlflow"),
  });
}

/**
 * What a script of that kind has in its CONFIG, with the config it was made of.
 * @throws ConfigError naming the option that is wrong
 */
export function trainingSettings(kind: TrainingKind, options: TrainingScriptOptions) {
  checkTrainingKind(kind);
  checkOptions(options);
  const config = parseTrainingConfig(kind, options.config ?? {});
  return { config, settings: { ...commonSettings(kind, options, config), ...SETTINGS[kind](config) } };

  function checkOptions(given: unknown): void {
    if (typeof given !== "object" || given === null) {
      throw new ConfigError(`the script's options are ${quoted(given)}: give an object with a datasetPath`);
    }
    const result = optionsSchema.safeParse(given);
    if (result.success) return;
    const [issue] = result.error.issues;
    if (issue?.code === "unrecognized_keys") {
      throw new ConfigError(
        `${quoted(issue.keys[0])} is not an option of a training script: the options are ` +
          `${Object.keys(optionsSchema.shape).join(", ")}; settings of the training belong into config`,
      );
    }
    const name = String(issue?.path[0]);
    const wanted = optionsSchema.shape[name as keyof typeof optionsSchema.shape]?.description;
    throw new ConfigError(`${name} is ${quoted((given as Record<string, unknown>)[name])}; it has to be ${wanted}`);
  }
}

const optionsSchema = z.strictObject({
  datasetPath: pathText,
  outputDir: pathText.nullish().describe(pathText.description ?? ""),
  sftModelPath: z
    .union([pathText, modelText])
    .nullish()
    .describe(pathText.description ?? ""),
  agentType: nameText.nullish().describe(nameText.description ?? ""),
  config: z.unknown().optional(),
});

/** What every script reads from CONFIG, under the names that TRL and transformers use. */
function commonSettings(kind: TrainingKind, options: TrainingScriptOptions, config: TrainingConfig) {
  const { outputDir, sftModelPath } = options;
  if (outputDir && config.outputDir && outputDir !== config.outputDir) {
    throw new ConfigError(
      `outputDir is ${quoted(outputDir)}, but config.outputDir is ${quoted(config.outputDir)}; keep one of them`,
    );
  }
  if (sftModelPath && kind === "sft") {
    throw new ConfigError(
      `sftModelPath is ${quoted(sftModelPath)}, but sft starts from a base model: set config.baseModel`,
    );
  }
  const loraSettings = {
    r: config.loraR,
    lora_alpha: config.loraAlpha,
    lora_dropout: config.loraDropout,
    target_modules: config.loraTargetModules,
  };
  return {
    model: sftModelPath ?? config.baseModel,
    trust_remote_code: config.trustRemoteCode,
    dataset_path: options.datasetPath,
    agent_type: options.agentType ?? null,
    output_dir: outputDir ?? config.outputDir ?? `./${kind}-model`,
    max_length: config.maxLength,
    num_train_epochs: config.numEpochs,
    max_steps: config.maxSteps,
    per_device_train_batch_size: config.batchSize,
    per_device_eval_batch_size: config.evalBatchSize,
    gradient_accumulation_steps: config.gradientAccumulationSteps,
    gradient_checkpointing: config.gradientCheckpointing,
    learning_rate: config.learningRate,
    lr_scheduler_type: config.lrScheduler,
    // Since transformers 5 one field says both: below 1 it is a share of all steps.
    warmup_steps: config.warmupSteps || config.warmupRatio,
    weight_decay: config.weightDecay,
    max_grad_norm: config.maxGradNorm,
    optim: config.optimizer,
    seed: config.seed,
    precision: config.precision,
    attention: config.attention,
    lora: config.useLora ? loraSettings : null,
    load_in_4bit: config.loadIn4bit,
    logging_steps: config.loggingSteps,
    save_steps: config.saveSteps,
    eval_steps: config.evalSteps,
    save_total_limit: config.saveTotalLimit,
    load_best_model_at_end: config.loadBestModel,
    report_to: config.reportTo,
    run_name: config.runName,
    project: config.project,
  };
}

const SETTINGS = {
  sft: (config: TrainingConfig) => ({ assistant_only_loss: config.assistantOnlyLoss, packing: config.packing }),
  dpo: (config: TrainingConfig) => ({
    beta: config.beta,
    loss_type: config.sftLossWeight > 0 ? [config.lossType, "sft"] : [config.lossType],
    loss_weights: config.sftLossWeight > 0 ? [1, config.sftLossWeight] : null,
    label_smoothing: config.labelSmoothing,
  }),
  kto: (config: TrainingConfig) => ({
    beta: config.beta,
    loss_type: config.lossType,
    desirable_weight: config.desirableWeight,
    undesirable_weight: config.undesirableWeight,
  }),
  reward: (config: TrainingConfig) => ({ center_rewards_coefficient: config.centerRewards }),
  grpo: (config: TrainingConfig) => ({
    num_generations: config.numGenerations,
    max_completion_length: config.maxCompletionLength,
    temperature: config.temperature,
    beta: config.beta,
    loss_type: config.lossType,
    rewards: rewardSettings(config),
    tools: config.tools,
    max_tool_calls: config.maxToolCalls,
    log_completions: config.logCompletions,
    use_vllm: config.useVllm,
  }),
  "grpo-offline": (config: TrainingConfig) => ({ negative_weight: config.negativeWeight }),
} as const satisfies Record<TrainingKind, (config: TrainingConfig) => object>;

function rewardSettings({ rewards: { jsonSchema, judge, ...rewards } }: TrainingConfig) {
  return {
    ...(rewards as { readonly [name: string]: Json }), // those that are not wanted have no key
    ...(jsonSchema && { json_schema: jsonSchema }),
    ...(judge && {
      judge: {
        weight: judge.weight,
        base_url: judge.baseUrl,
        model: judge.model,
        rubric: judge.rubric,
        concurrency: judge.concurrency,
        timeout_s: judge.timeoutSeconds,
      },
    }),
  };
}
