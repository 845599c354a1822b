import { ConfigError } from "@whetstone/core";
import * as z from "zod";
import { modelText, nameText, pathText } from "./config-text.js";
import { quoted } from "./quoted.js";
import { httpToolSchema, rewardsSchema } from "./reward-config.js";
import { checkTrainingKind, type TrainingKind } from "./training-kind.js";

const count = (least: number, most: number, example: number) =>
  z.number().int().min(least).max(most).describe(`a whole number from ${least} to ${most}, such as ${example}`);
const share = (most: number, example: number) =>
  z.number().min(0).max(most).describe(`a number from 0 to ${most}, such as ${example}`);
const flag = z.boolean().describe("true or false");
const oneOf = <const Names extends readonly [string, ...string[]]>(...names: Names) =>
  z.enum(names).describe(`one of ${names.join(", ")}`);

const tracker = z.enum(["wandb", "trackio", "tensorboard", "mlflow"]);
const moduleName = z.string().regex(/^[\w.-]{1,128}$/);

const LOSS_TYPES = {
  dpo: ["sigmoid", "hinge", "ipo", "robust", "apo_zero", "apo_down", "sigmoid_norm"],
  kto: ["kto", "apo_zero_unpaired"],
  grpo: ["dapo", "dr_grpo", "grpo", "bnpo"],
} as const;

/**
 * Every setting of a training run, in the names of this package. `parseTrainingConfig` fills in the defaults, which
 * depend on the kind of training and on LoRA.
 */
export const trainingConfigSchema = z.strictObject({
  baseModel: modelText,
  /** Where the script writes, when the options of the script do not say. */
  outputDir: pathText.nullable().describe(pathText.description ?? ""),
  trustRemoteCode: flag,

  numEpochs: z.number().positive().max(1000).describe("a number above 0 and at most 1000, such as 3"),
  maxSteps: count(1, 1e9, 500).nullable().describe("a whole number of steps from 1 on, or null to count in epochs"),
  batchSize: count(1, 4096, 4),
  evalBatchSize: count(1, 4096, 4),
  gradientAccumulationSteps: count(1, 65_536, 4),
  gradientCheckpointing: flag,
  maxLength: count(8, 10_000_000, 2048),

  learningRate: z.number().positive().max(1).describe("a number above 0 and at most 1, such as 0.0002"),
  lrScheduler: oneOf("linear", "cosine", "constant", "constant_with_warmup", "inverse_sqrt"),
  warmupRatio: z.number().min(0).lt(1).describe("a share of all steps from 0 to below 1, such as 0.1"),
  warmupSteps: count(0, 1e9, 100),
  weightDecay: z.number().min(0).max(1).describe("a number from 0 to 1, such as 0.01"),
  maxGradNorm: z.number().min(0).max(1e6).describe("a number from 0 (no clipping) on, such as 1"),
  optimizer: oneOf("adamw_torch", "adamw_torch_fused", "adamw_8bit", "paged_adamw_8bit", "adafactor", "sgd"),
  seed: count(0, 4_294_967_295, 42),

  precision: oneOf("auto", "bf16", "fp16", "fp32"),
  attention: oneOf("auto", "sdpa", "eager", "flash_attention_2"),

  useLora: flag,
  loraR: count(1, 4096, 16),
  loraAlpha: count(1, 65_536, 32),
  loraDropout: z.number().min(0).lt(1).describe("a number from 0 to below 1, such as 0.05"),
  loraTargetModules: z
    .union([z.literal("all-linear"), z.array(moduleName).min(1).max(256)])
    .describe('"all-linear" or a list of module names, such as ["q_proj", "v_proj"]'),
  loadIn4bit: flag,

  loggingSteps: count(1, 1e9, 10),
  saveSteps: count(1, 1e9, 100).nullable().describe("a whole number of steps from 1 on, or null for once an epoch"),
  evalSteps: count(1, 1e9, 100).nullable().describe("a whole number of steps from 1 on, or null for once an epoch"),
  saveTotalLimit: count(1, 1e6, 2),
  loadBestModel: flag,
  reportTo: z
    .array(tracker)
    .max(4)
    .describe('"none", a tracker (wandb, trackio, tensorboard, mlflow) or a list of them'),
  runName: nameText.nullable().describe(nameText.description ?? ""),
  project: nameText.nullable().describe(nameText.description ?? ""),

  /** SFT: the loss is on the assistant's turns, not on what the user and the tools said. */
  assistantOnlyLoss: flag,
  /** SFT: several rows to a sequence, where a flash attention kernel keeps them apart. */
  packing: flag,

  /** DPO, KTO, GRPO: how closely the model stays with the reference model. GRPO does without one at 0. */
  beta: z.number().min(0).max(100).describe("a number from 0 to 100, such as 0.1"),
  lossType: oneOf(...LOSS_TYPES.dpo, ...LOSS_TYPES.kto, ...LOSS_TYPES.grpo),
  /** DPO: how often the preference is expected to be wrong. */
  labelSmoothing: z.number().min(0).lt(0.5).describe("a number from 0 to below 0.5, such as 0.1"),
  /** DPO: weight of a likelihood term on the chosen answer, which keeps its probability from falling. */
  sftLossWeight: z.number().min(0).max(100).describe("a number from 0 (off) on, such as 0.2"),

  /** KTO: how much good and bad answers count. Null lets the script balance them. */
  desirableWeight: share(100, 1.5).nullable().describe("a number from 0 to 100, or null to balance both kinds"),
  undesirableWeight: share(100, 1.5).nullable().describe("a number from 0 to 100, or null to balance both kinds"),

  /** Reward: pulls the scores towards a mean of zero. */
  centerRewards: share(1, 0.01).nullable().describe("a number from 0 to 1, such as 0.01, or null"),

  /** GRPO: how many answers to a prompt are compared. */
  numGenerations: count(2, 1024, 8),
  maxCompletionLength: count(1, 1_000_000, 512),
  temperature: z.number().positive().max(10).describe("a number above 0 and at most 10, such as 1"),
  rewards: rewardsSchema
    .refine((rewards) => Object.keys(rewards).length > 0)
    .describe(`reward functions by name: ${Object.keys(rewardsSchema.shape).join(", ")}, such as { "numeric": {} }`),
  tools: z.array(httpToolSchema).max(64).describe("a list of tools, each with name, description, parameters and url"),
  maxToolCalls: count(1, 1000, 8),
  logCompletions: flag,
  useVllm: flag,

  /** Offline GRPO: how much an answer below its group's mean counts, beside one above it. */
  negativeWeight: share(1, 0.5),
});

/** A training run's settings, complete. */
export type TrainingConfig = Readonly<z.infer<typeof trainingConfigSchema>>;

// The names that other tools and older versions of TRL use for the same thing.
const ALIASES = {
  model: "baseModel",
  modelName: "baseModel",
  modelId: "baseModel",
  modelNameOrPath: "baseModel",
  maxSeqLength: "maxLength",
  maxSeqLen: "maxLength",
  epochs: "numEpochs",
  numTrainEpochs: "numEpochs",
  perDeviceTrainBatchSize: "batchSize",
  perDeviceEvalBatchSize: "evalBatchSize",
  lr: "learningRate",
  lrSchedulerType: "lrScheduler",
  optim: "optimizer",
  attnImplementation: "attention",
  loraRank: "loraR",
  targetModules: "loraTargetModules",
  loadIn4Bit: "loadIn4bit",
  use4bit: "loadIn4bit",
  useQlora: "loadIn4bit",
  wandbProject: "project",
  wandbRunName: "runName",
  loadBestModelAtEnd: "loadBestModel",
  completionOnlyLoss: "assistantOnlyLoss",
  dpoBeta: "beta",
  rpoAlpha: "sftLossWeight",
  groupSize: "numGenerations",
  maxNewTokens: "maxCompletionLength",
  centerRewardsCoefficient: "centerRewards",
  rewardFuncs: "rewards",
} as const satisfies Record<string, keyof TrainingConfig>;

// Switches that say in two fields what `precision` and `reportTo` say in one.
const switches = z.strictObject({ bf16: flag, fp16: flag, useWandb: flag });

// Settings that had a meaning once. Their users deserve more than "unknown".
const REMOVED: Readonly<Record<string, string>> = {
  maxPromptLength: "TRL 1.x cuts prompt and answer together: set maxLength",
  evaluationStrategy: "evaluation runs when the dataset folder has a test.jsonl: set evalSteps, or leave it out",
  evalStrategy: "evaluation runs when the dataset folder has a test.jsonl: set evalSteps, or leave it out",
  saveStrategy: "set saveSteps, or leave it out to save once an epoch",
  overwriteOutputDir: "a script never writes over another run: give another outputDir, or run it with --resume",
  loadIn8bit: "choose loadIn4bit, or neither",
};

type Alias = typeof ALIASES;
type Names = { [Name in keyof TrainingConfig]: Name } & Alias;
type RewardName = keyof TrainingConfig["rewards"];
type Given = Omit<TrainingConfig, "reportTo" | "rewards" | "tools"> & {
  readonly rewards: RewardName | readonly RewardName[] | z.input<typeof rewardsSchema>;
  readonly tools: readonly z.input<typeof httpToolSchema>[];
  readonly reportTo: "none" | z.infer<typeof tracker> | readonly ("none" | z.infer<typeof tracker>)[];
};
type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : Name;

/**
 * What `config` takes: any part of `TrainingConfig`, each field also in snake_case and under the names that other
 * tools give it (`max_seq_length`, `num_train_epochs`, `per_device_train_batch_size`, `fp16`, …). Null is "the default".
 */
export type TrainingConfigInput = {
  readonly [Name in keyof Names as Name | SnakeCase<Name>]?:
    | Given[Extract<Names[Name], keyof Given>]
    | null
    | undefined;
} & {
  readonly [Name in keyof z.infer<typeof switches> as Name | SnakeCase<Name>]?: boolean | null | undefined;
} & { readonly load_in_4bit?: boolean | null | undefined };

/**
 * Checks a training config and completes it with the defaults of its kind.
 * @throws ConfigError naming the field, its value and what it has to be
 */
export function parseTrainingConfig(kind: TrainingKind, input: TrainingConfigInput = {}): TrainingConfig {
  checkTrainingKind(kind);
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new ConfigError(`the training config is ${quoted(input)}: give an object, such as { numEpochs: 3 }`);
  }
  const { fields, switched, spelled } = canonicalNames(input);
  // Only fields with a value are left, which the schema's optional fields cannot say.
  const given = {
    ...parsed(trainingConfigSchema, fields, spelled),
    ...translated(parsed(switches, switched, spelled), fields),
  } as Partial<TrainingConfig>;
  const config: TrainingConfig = { ...defaultsOf(kind, given), ...given };
  checkTogether(config, given);
  checkForKind(kind, config);
  return config;
}

/** Puts every given field under its own name, the switches apart, and keeps how the caller spelled it. */
function canonicalNames(input: object) {
  const fields: Record<string, unknown> = {};
  const switched: Record<string, unknown> = {};
  const spelled = new Map<string, string>();
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || value === null) continue;
    const camel = camelCase(name);
    const field = Object.hasOwn(ALIASES, camel) ? ALIASES[camel as keyof Alias] : camel;
    const target = Object.hasOwn(switches.shape, field) ? switched : fields;
    if (target === fields && !Object.hasOwn(trainingConfigSchema.shape, field)) throw unknownField(name, camel, value);
    const before = spelled.get(field);
    if (before !== undefined && !same(target[field], value)) {
      throw new ConfigError(
        `the training config sets ${field} twice, as ${quoted(before)} and as ${quoted(name)}: keep one of them`,
      );
    }
    spelled.set(field, name);
    target[field] = value;
  }
  return { fields, switched, spelled };
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

function unknownField(name: string, camel: string, value: unknown): ConfigError {
  const start = `${quoted(name)} (${quoted(value)}) is not a field of the training config`;
  if (Object.hasOwn(REMOVED, camel)) return new ConfigError(`${start} any more: ${REMOVED[camel]}`);
  const known = Object.keys(trainingConfigSchema.shape);
  const near = [...known, ...Object.keys(ALIASES)].find((field) =>
    differInOne(field.toLowerCase(), camel.toLowerCase()),
  );
  return new ConfigError(`${start}: ${near ? `did you mean ${near}?` : `its fields are ${known.join(", ")}`}`);
}

/** True when one letter more, less, other or swapped makes one name of the other. */
function differInOne(one: string, other: string): boolean {
  let start = 0;
  while (start < one.length && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < Math.min(one.length, other.length) - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  const [left, right] = [one.slice(start, one.length - end), other.slice(start, other.length - end)];
  return (left.length <= 1 && right.length <= 1) || (left.length === 2 && left === [...right].reverse().join(""));
}

/** The given fields of a schema, checked. Its descriptions say what a wrong one has to be. */
function parsed<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  fields: Record<string, unknown>,
  spelled: ReadonlyMap<string, string>,
) {
  const full = prepared(fields);
  const result = schema.partial().safeParse(full);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const [field = "", ...rest] = (issue?.path ?? []) as [string, ...(string | number)[]];
  // A list of names is short enough to be shown whole; what has fields of its own is named to the last of them.
  const inside = field === "rewards" || field === "tools" ? rest : [];
  const name = [spelled.get(field), ...inside].join(".");
  if (issue?.code === "unrecognized_keys") {
    throw new ConfigError(`training config: ${name} has no field ${issue.keys.map(quoted).join(", ")}`);
  }
  const nested = inside.reduce<unknown>((within, key) => (within as Record<string, unknown>)?.[key], full[field]);
  const value = inside.length > 0 ? nested : fields[field];
  const wanted = descriptionAt(schema, [field, ...inside]) ?? "something else";
  throw new ConfigError(`training config: ${name} is ${shown(value)}; it has to be ${wanted}`);
}

/** What a schema says of the field at the end of a path. */
function descriptionAt(schema: unknown, [key, ...rest]: readonly (string | number)[]): string | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return schema.description ?? descriptionAt(schema.unwrap(), key === undefined ? [] : [key, ...rest]);
  }
  if (key === undefined) return (schema as z.ZodType).description;
  if (schema instanceof z.ZodArray) return descriptionAt(schema.element, rest) ?? schema.description;
  if (schema instanceof z.ZodObject) return descriptionAt(schema.shape[key], rest) ?? schema.description;
  return undefined;
}

function shown(value: unknown): string {
  if (typeof value === "string") return `${quoted(value)} (a string)`;
  if (Array.isArray(value)) return `[${value.map(quoted).join(", ")}]`;
  return quoted(value);
}

/** Short forms written out: a tracker, and rewards that need no more than their name. */
function prepared({ ...fields }: Record<string, unknown>): Record<string, unknown> {
  if (Object.hasOwn(fields, "reportTo")) fields.reportTo = trackers(fields.reportTo);
  if (Object.hasOwn(fields, "rewards")) fields.rewards = rewardsByName(fields.rewards);
  return fields;
}

/** `"exact"` and `["exact", "numeric"]` mean these rewards as they are; names may be in snake_case. */
function rewardsByName(value: unknown): unknown {
  if (typeof value === "string") return rewardsByName([value]);
  if (Array.isArray(value) && value.every((name) => typeof name === "string")) {
    return Object.fromEntries(value.map((name) => [camelCase(name), {}]));
  }
  return camelKeys(value, (settings) => camelKeys(settings));
}

function camelKeys(value: unknown, inside = (item: unknown) => item): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [camelCase(key), inside(item)]));
}

const camelCase = (name: string) => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** `"none"` and `[]` mean no tracker, `"wandb"` means a list of one. */
function trackers(value: unknown): unknown {
  const names = Array.isArray(value) ? value : [value];
  return [...new Set(names)].filter((name) => name !== "none");
}

/** Says `bf16`, `fp16` and `useWandb` in the words of `precision` and `reportTo`. */
function translated(
  { bf16, fp16, useWandb }: { bf16?: boolean | undefined; fp16?: boolean | undefined; useWandb?: boolean | undefined },
  fields: Record<string, unknown>,
): Partial<TrainingConfig> {
  const config: { precision?: TrainingConfig["precision"]; reportTo?: TrainingConfig["reportTo"] } = {};
  if (bf16 && fp16) throw new ConfigError("training config: bf16 and fp16 are both true; keep one of them");
  // Without fp16 there still is bf16; without bf16, and no word of fp16, there is float32 only.
  const precision = bf16 ? "bf16" : fp16 ? "fp16" : bf16 === false ? "fp32" : undefined;
  if (precision !== undefined) {
    if (fields.precision !== undefined && fields.precision !== precision) {
      throw new ConfigError(
        `training config: precision is ${quoted(fields.precision)}, but bf16 and fp16 mean ${quoted(precision)}; ` +
          "keep precision",
      );
    }
    config.precision = precision;
  }
  if (useWandb !== undefined && fields.reportTo === undefined) config.reportTo = useWandb ? ["wandb"] : [];
  return config;
}

/** The defaults: the usual ones, but for those that are wrong for the kind of training or for LoRA. */
function defaultsOf(kind: TrainingKind, given: Partial<TrainingConfig>): TrainingConfig {
  const useLora = given.useLora ?? true;
  return {
    baseModel: "Qwen/Qwen2.5-1.5B-Instruct",
    outputDir: null,
    trustRemoteCode: false,
    // Preferences are learned in one pass; more passes make the chosen answers less likely, too.
    numEpochs: kind === "sft" ? 3 : 1,
    maxSteps: null,
    // Online GRPO counts answers, and eight of them belong to one prompt.
    batchSize: kind === "grpo" ? 8 : 4,
    evalBatchSize: kind === "grpo" ? (given.numGenerations ?? 8) : (given.batchSize ?? 4),
    gradientAccumulationSteps: 4,
    gradientCheckpointing: true,
    maxLength: 2048,
    learningRate: LEARNING_RATES[kind][useLora ? "lora" : "full"],
    lrScheduler: "cosine",
    warmupRatio: given.warmupSteps === undefined ? 0.1 : 0,
    warmupSteps: 0,
    weightDecay: 0,
    maxGradNorm: 1,
    optimizer: "adamw_torch_fused",
    seed: 42,
    precision: "auto",
    attention: "auto",
    useLora,
    loraR: 16,
    loraAlpha: 32,
    loraDropout: 0.05,
    loraTargetModules: "all-linear",
    loadIn4bit: false,
    loggingSteps: 10,
    // The best checkpoint can only be found among those that were evaluated.
    saveSteps: (given.loadBestModel && given.evalSteps) || null,
    evalSteps: (given.loadBestModel && given.saveSteps) || null,
    saveTotalLimit: 2,
    loadBestModel: false,
    reportTo: [],
    runName: null,
    project: null,
    assistantOnlyLoss: true,
    packing: false,
    beta: kind === "grpo" ? 0 : 0.1,
    lossType: LOSS_TYPES[kind in LOSS_TYPES ? (kind as keyof typeof LOSS_TYPES) : "dpo"][0],
    labelSmoothing: 0,
    sftLossWeight: 0,
    desirableWeight: null,
    undesirableWeight: null,
    centerRewards: null,
    numGenerations: 8,
    maxCompletionLength: 512,
    temperature: 1,
    rewards: { exact: { weight: 1 } },
    tools: [],
    maxToolCalls: 8,
    logCompletions: false,
    useVllm: false,
    negativeWeight: 0.5,
  };
}

// With LoRA ten times the rate of full fine-tuning ("LoRA Without Regret", Schulman et al. 2025).
const LEARNING_RATES: Readonly<Record<TrainingKind, { lora: number; full: number }>> = {
  sft: { lora: 2e-4, full: 2e-5 },
  dpo: { lora: 1e-5, full: 1e-6 },
  kto: { lora: 1e-5, full: 1e-6 },
  reward: { lora: 1e-4, full: 1e-5 },
  grpo: { lora: 1e-5, full: 1e-6 },
  "grpo-offline": { lora: 1e-5, full: 1e-6 },
};

function checkTogether(config: TrainingConfig, given: Partial<TrainingConfig>): void {
  const { saveSteps, evalSteps } = config;
  if (config.loadIn4bit && !config.useLora) {
    throw new ConfigError(
      "training config: loadIn4bit is true but useLora is false; 4-bit weights train through LoRA only",
    );
  }
  if (given.warmupSteps && given.warmupRatio) {
    throw new ConfigError(
      `training config: warmupSteps is ${given.warmupSteps} and warmupRatio is ${given.warmupRatio}; keep one of them`,
    );
  }
  if (!config.loadBestModel) return;
  if ((saveSteps === null) !== (evalSteps === null) || (saveSteps ?? 0) % (evalSteps ?? 1) !== 0) {
    throw new ConfigError(
      `training config: saveSteps is ${saveSteps} and evalSteps is ${evalSteps}; with loadBestModel, ` +
        "saveSteps has to be a multiple of evalSteps",
    );
  }
}

/** What one kind of training asks of its own settings. Those that it has no use for may be anything. */
function checkForKind(kind: TrainingKind, config: TrainingConfig): void {
  const { lossType, beta, batchSize, evalBatchSize, gradientAccumulationSteps, numGenerations } = config;
  const losses: readonly string[] = kind in LOSS_TYPES ? LOSS_TYPES[kind as keyof typeof LOSS_TYPES] : [lossType];
  if (!losses.includes(lossType)) {
    throw new ConfigError(
      `training config: lossType is ${quoted(lossType)}; for ${kind} it is one of ${losses.join(", ")}`,
    );
  }
  if ((kind === "dpo" || kind === "kto") && beta === 0) {
    throw new ConfigError(`training config: beta is 0; for ${kind} it has to be above 0, such as 0.1`);
  }
  if (kind === "kto" && batchSize < 2) {
    throw new ConfigError("training config: batchSize is 1; KTO compares the rows of a batch, so it takes 2 or more");
  }
  if (kind !== "grpo") return;
  if ((batchSize * gradientAccumulationSteps) % numGenerations !== 0) {
    throw new ConfigError(
      `training config: batchSize ${batchSize} times gradientAccumulationSteps ${gradientAccumulationSteps} is no ` +
        `multiple of numGenerations ${numGenerations}, so groups of answers would be torn apart`,
    );
  }
  if (evalBatchSize % numGenerations !== 0) {
    throw new ConfigError(
      `training config: evalBatchSize is ${evalBatchSize}; for grpo it has to be a multiple of numGenerations, ` +
        `which is ${numGenerations}`,
    );
  }
  if (config.maxCompletionLength >= config.maxLength) {
    throw new ConfigError(
      `training config: maxCompletionLength is ${config.maxCompletionLength} and maxLength is ${config.maxLength}; ` +
        "maxLength has to leave room for the prompt",
    );
  }
}
