import { ConfigError } from "@whetstone/core";
import { describe, expect, it } from "vitest";
import { parseTrainingConfig, type TrainingConfigInput, trainingConfigSchema } from "./training-config.js";
import { type TrainingKind, trainingKinds } from "./training-kind.js";

/** What a caller without types may hand in. */
const untyped = (config: unknown) => config as TrainingConfigInput;

function refusal(config: unknown, kind: TrainingKind = "sft"): string {
  try {
    parseTrainingConfig(kind, untyped(config));
  } catch (error) {
    if (ConfigError.isInstance(error)) return error.message;
    throw error;
  }
  throw new Error(`accepted ${JSON.stringify(config)}`);
}

describe("the defaults", () => {
  it("keep the usual batch, epochs, length and LoRA settings", () => {
    expect(parseTrainingConfig("sft")).toMatchObject({
      numEpochs: 3,
      batchSize: 4,
      gradientAccumulationSteps: 4,
      maxLength: 2048,
      loggingSteps: 10,
      useLora: true,
      loraR: 16,
      loraAlpha: 32,
      loraDropout: 0.05,
      reportTo: [],
      precision: "auto",
    });
  });

  it.each([
    ["sft", true, 2e-4],
    ["sft", false, 2e-5],
    ["dpo", true, 1e-5],
    ["dpo", false, 1e-6],
    ["kto", true, 1e-5],
    ["reward", true, 1e-4],
    ["grpo", true, 1e-5],
    ["grpo-offline", false, 1e-6],
  ] as const)("give %s with useLora %s the learning rate %s", (kind, useLora, learningRate) => {
    expect(parseTrainingConfig(kind, { useLora }).learningRate).toBe(learningRate);
  });

  it("give a preference run one epoch", () => {
    expect(parseTrainingConfig("dpo").numEpochs).toBe(1);
  });

  it("stand in for null and undefined", () => {
    const config = { numEpochs: null, batch_size: undefined, run_name: null };
    expect(parseTrainingConfig("sft", config)).toEqual(parseTrainingConfig("sft"));
  });

  it("evaluate and save together when the best model is asked for", () => {
    const config = parseTrainingConfig("sft", { loadBestModel: true, evalSteps: 20 });
    expect(config).toMatchObject({ saveSteps: 20, evalSteps: 20 });
  });

  it("pass their own schema", () => {
    for (const kind of trainingKinds) {
      expect(trainingConfigSchema.parse(parseTrainingConfig(kind))).toEqual(parseTrainingConfig(kind));
    }
  });
});

describe("other names", () => {
  it("takes every field in snake_case as well", () => {
    const config = parseTrainingConfig("dpo", {
      base_model: "org/model",
      learning_rate: 3e-5,
      gradient_accumulation_steps: 2,
      warmup_steps: 7,
      weight_decay: 0.1,
      max_grad_norm: 0.5,
      logging_steps: 1,
      save_steps: 50,
      eval_steps: 25,
      use_lora: true,
      lora_r: 8,
      lora_alpha: 16,
      lora_dropout: 0,
      lora_target_modules: ["q_proj", "v_proj"],
      gradient_checkpointing: false,
      load_in_4bit: true,
      report_to: "wandb",
      seed: 7,
      beta: 0.2,
      output_dir: "./out",
    });
    expect(config).toMatchObject({
      baseModel: "org/model",
      learningRate: 3e-5,
      gradientAccumulationSteps: 2,
      warmupSteps: 7,
      weightDecay: 0.1,
      maxGradNorm: 0.5,
      loggingSteps: 1,
      saveSteps: 50,
      evalSteps: 25,
      loraR: 8,
      loraAlpha: 16,
      loraDropout: 0,
      loraTargetModules: ["q_proj", "v_proj"],
      gradientCheckpointing: false,
      loadIn4bit: true,
      reportTo: ["wandb"],
      seed: 7,
      beta: 0.2,
      outputDir: "./out",
    });
  });

  it.each([
    ["max_seq_length", 512, { maxLength: 512 }],
    ["maxSeqLength", 512, { maxLength: 512 }],
    ["num_epochs", 2, { numEpochs: 2 }],
    ["num_train_epochs", 2, { numEpochs: 2 }],
    ["batch_size", 2, { batchSize: 2, evalBatchSize: 2 }],
    ["per_device_train_batch_size", 2, { batchSize: 2 }],
    ["model_name", "org/m", { baseModel: "org/m" }],
    ["model_name_or_path", "org/m", { baseModel: "org/m" }],
    ["lr", 1e-3, { learningRate: 1e-3 }],
    ["lr_scheduler_type", "linear", { lrScheduler: "linear" }],
    ["target_modules", ["q_proj"], { loraTargetModules: ["q_proj"] }],
    ["use_4bit", true, { loadIn4bit: true }],
    ["use_qlora", true, { loadIn4bit: true }],
    ["load_best_model_at_end", true, { loadBestModel: true }],
    ["rpo_alpha", 0.2, { sftLossWeight: 0.2 }],
    ["bf16", true, { precision: "bf16" }],
    ["fp16", true, { precision: "fp16" }],
    ["bf16", false, { precision: "fp32" }],
    ["fp16", false, { precision: "auto" }],
    ["warmup_steps", 0, { warmupSteps: 0, warmupRatio: 0 }],
    ["warmup_ratio", 0.03, { warmupSteps: 0, warmupRatio: 0.03 }],
    ["use_wandb", true, { reportTo: ["wandb"] }],
    ["use_wandb", false, { reportTo: [] }],
    ["report_to", "none", { reportTo: [] }],
    ["report_to", ["wandb", "none"], { reportTo: ["wandb"] }],
  ])("reads %s: %j", (name, value, expected) => {
    expect(parseTrainingConfig("sft", untyped({ [name]: value }))).toMatchObject(expected);
  });

  it("takes a setting given twice when both say the same", () => {
    expect(parseTrainingConfig("sft", { maxLength: 512, max_seq_length: 512 }).maxLength).toBe(512);
  });

  it("refuses a setting given twice with two values", () => {
    expect(refusal({ maxLength: 512, max_seq_length: 1024 })).toBe(
      'the training config sets maxLength twice, as "maxLength" and as "max_seq_length": keep one of them',
    );
  });
});

describe("a wrong field", () => {
  it.each([
    [{ learningRate: "2e-5" }, 'learningRate is "2e-5" (a string); it has to be a number above 0 and at most 1'],
    [{ learning_rate: Number.NaN }, "learning_rate is NaN; it has to be a number above 0"],
    [{ learningRate: 0 }, "learningRate is 0; it has to be a number above 0"],
    [{ learningRate: Number.POSITIVE_INFINITY }, "learningRate is Infinity;"],
    [{ batchSize: 2.5 }, "batchSize is 2.5; it has to be a whole number from 1 to 4096, such as 4"],
    [{ batchSize: -1 }, "batchSize is -1;"],
    [{ numEpochs: 0 }, "numEpochs is 0;"],
    [{ max_seq_length: 1 }, "max_seq_length is 1;"],
    [{ useLora: "yes" }, 'useLora is "yes" (a string); it has to be true or false'],
    [{ bf16: 1 }, "bf16 is 1; it has to be true or false"],
    [{ loraTargetModules: ["q_proj", "a b"] }, 'loraTargetModules is ["q_proj", "a b"]; it has to be "all-linear"'],
    [{ loraTargetModules: [] }, "loraTargetModules is []"],
    [{ loraDropout: 1 }, "loraDropout is 1; it has to be a number from 0 to below 1"],
    [{ reportTo: "comet" }, 'reportTo is "comet" (a string); it has to be "none", a tracker'],
    [{ lrScheduler: "slow" }, "it has to be one of linear, cosine"],
    [{ seed: -1 }, "seed is -1;"],
    [{ beta: -1 }, "beta is -1;"],
    [{ labelSmoothing: 0.5 }, "labelSmoothing is 0.5;"],
    [{ runName: "a\nb" }, 'runName is "a\\nb" (a string); it has to be a name'],
    [{ project: "\u202e" }, 'project is "\\u202e" (a string); it has to be a name'],
    [{ numEpochs: {} }, "numEpochs is an object;"],
  ])("is named with its value and what it has to be: %j", (config, message) => {
    expect(refusal(config)).toContain(`training config: ${message}`.replace("training config: it has", "it has"));
  });

  it.each([
    "--trust-remote-code",
    "-m",
    "",
    "a/b/c",
    "https://huggingface.co/Qwen/Qwen3-0.6B",
    "file:///etc/passwd",
    "org/model name",
    "org/",
    "./a\u0000b",
    "./a\nb",
    "./a\u202eb",
    "./a\ud800b",
    " org/model",
    "org\\model",
    "model;rm",
    ".hidden/model",
    42,
    ["org/model"],
  ])("cannot be a model: %j", (baseModel) => {
    expect(refusal({ baseModel })).toMatch(
      /^training config: baseModel is .*; it has to be a model of the Hugging Face/s,
    );
  });

  it.each(["gpt2", "Qwen/Qwen2.5-0.5B-Instruct", "./models/mine", "../x", "/data/m", "~/m", "C:\\m", './it\'s "m"'])(
    "is not a model such as %j",
    (baseModel) => {
      expect(parseTrainingConfig("sft", { baseModel }).baseModel).toBe(baseModel);
    },
  );

  it("is met with the field that was meant", () => {
    expect(refusal({ learning_rat: 1 })).toBe(
      '"learning_rat" (1) is not a field of the training config: did you mean learningRate?',
    );
    expect(refusal({ bathcSize: 1 })).toContain("did you mean batchSize?");
    expect(refusal({ colour: "red" })).toContain("its fields are baseModel, outputDir,");
  });

  it("that TRL has removed is met with what took its place", () => {
    expect(refusal({ max_prompt_length: 512 })).toContain("any more: TRL 1.x cuts prompt and answer together");
    expect(refusal({ evaluation_strategy: "steps" })).toContain("set evalSteps");
  });

  it.each(["__proto__", "constructor", "toString", "hasOwnProperty"])("may be called %s", (name) => {
    expect(refusal(JSON.parse(`{"${name}": 1}`))).toContain("is not a field of the training config");
  });

  it.each([["a text"], [[]], [3], [null]])("may be the whole config: %j", (config) => {
    if (config === null) expect(() => parseTrainingConfig("sft", untyped(null))).toThrow(ConfigError);
    else expect(refusal(config)).toMatch(/^the training config is /);
  });
});

describe("what one kind asks of its settings", () => {
  it.each([
    ["dpo", { beta: 0 }, "beta is 0; for dpo it has to be above 0"],
    ["kto", { lossType: "ipo" }, 'lossType is "ipo"; for kto it is one of kto, apo_zero_unpaired'],
    ["kto", { batchSize: 1 }, "batchSize is 1; KTO compares the rows of a batch"],
    ["grpo", { lossType: "sigmoid" }, "for grpo it is one of dapo, dr_grpo, grpo, bnpo"],
    [
      "grpo",
      { batchSize: 4, gradientAccumulationSteps: 1 },
      "batchSize 4 times gradientAccumulationSteps 1 is no multiple",
    ],
    [
      "grpo",
      { evalBatchSize: 4 },
      "evalBatchSize is 4; for grpo it has to be a multiple of numGenerations, which is 8",
    ],
    ["grpo", { maxCompletionLength: 2048 }, "maxCompletionLength is 2048 and maxLength is 2048"],
  ] as const)("is told by name: %s %j", (kind, config, message) => {
    expect(refusal(config, kind)).toContain(message);
  });

  it("are defaults that go together", () => {
    expect(parseTrainingConfig("grpo")).toMatchObject({ beta: 0, batchSize: 8, evalBatchSize: 8, lossType: "dapo" });
    expect(parseTrainingConfig("kto")).toMatchObject({ beta: 0.1, lossType: "kto", desirableWeight: null });
    expect(parseTrainingConfig("grpo", { numGenerations: 4 }).evalBatchSize).toBe(4);
  });
});

describe("rewards and tools", () => {
  const judge = { baseUrl: "http://127.0.0.1:8000/v1", model: "judge" };
  const tool = { name: "search", description: "Finds.", parameters: { type: "object" }, url: "http://127.0.0.1:1/x" };

  it("take rewards by name alone, in a list, or with settings in snake_case", () => {
    const rewards = (rewards: unknown) => parseTrainingConfig("grpo", untyped({ rewards })).rewards;
    expect(rewards("numeric")).toEqual({ numeric: { weight: 1, tolerance: 1e-6 } });
    expect(rewards(["exact", "numeric"])).toEqual({ exact: { weight: 1 }, numeric: { weight: 1, tolerance: 1e-6 } });
    const schema = { type: "object", properties: { a_b: { type: "string" } } };
    expect(
      rewards({ json_schema: { schema }, judge: { base_url: judge.baseUrl, model: "m", timeout_seconds: 5 } }),
    ).toEqual({
      jsonSchema: { weight: 1, schema },
      judge: expect.objectContaining({ baseUrl: judge.baseUrl, timeoutSeconds: 5, concurrency: 8 }),
    });
  });

  it.each([
    [{ rewards: {} }, "rewards is an object; it has to be reward functions by name: exact, numeric,"],
    [{ rewards: ["best"] }, 'rewards has no field "best"'],
    [{ rewards: { numeric: { tolerance: "1" } } }, 'rewards.numeric.tolerance is "1" (a string); it has to be a share'],
    [{ rewards: { regex: {} } }, "rewards.regex.pattern is undefined; it has to be a text"],
    [{ rewards: { judge: { ...judge, baseUrl: "file:///etc/passwd" } } }, "rewards.judge.baseUrl is "],
    [
      { rewards: { judge: { ...judge, baseUrl: "https://me:secret@host/v1" } } },
      "an http or https address without a password",
    ],
    [{ rewards: { judge: { ...judge, key: "sk-1" } } }, 'rewards.judge has no field "key"'],
    [{ rewards: { model: { path: "--model" } } }, 'rewards.model.path is "--model" (a string); it has to be a path'],
    [{ rewards: { exact: { weight: Number.NaN } } }, "rewards.exact.weight is NaN; it has to be a number"],
    [{ tools: [{ ...tool, name: "a b" }] }, 'tools.0.name is "a b" (a string); it has to be a name'],
    [{ tools: [{ ...tool, name: "import" }] }, "tools.0.name is"],
    [
      { tools: [{ ...tool, parameters: { properties: { "x): pass": {} } } }] },
      "tools.0.parameters is an object; it has to be",
    ],
    [{ tools: [{ ...tool, url: "ftp://host" }] }, 'tools.0.url is "ftp://host"'],
    [{ tools: [{ ...tool, code: "x" }] }, 'tools.0 has no field "code"'],
  ])("are named to the field that is wrong: %j", (config, message) => {
    expect(refusal(config, "grpo")).toContain(
      `training config: ${message}`.replace("training config: an http", "an http"),
    );
  });
});

describe("fields that do not go together", () => {
  it.each([
    [{ bf16: true, fp16: true }, "bf16 and fp16 are both true"],
    [{ precision: "fp32", bf16: true }, 'precision is "fp32", but bf16 and fp16 mean "bf16"'],
    [{ loadIn4bit: true, useLora: false }, "loadIn4bit is true but useLora is false"],
    [{ warmupSteps: 10, warmupRatio: 0.1 }, "warmupSteps is 10 and warmupRatio is 0.1"],
    [{ loadBestModel: true, saveSteps: 30, evalSteps: 20 }, "saveSteps is 30 and evalSteps is 20"],
  ])("are refused: %j", (config, message) => {
    expect(refusal(config)).toContain(message);
  });

  it("are not those that belong to another kind, so that one config may serve a whole chain", () => {
    expect(parseTrainingConfig("sft", { beta: 0.3, packing: true })).toMatchObject({ beta: 0.3, packing: true });
  });
});

it("refuses a kind that has no script", () => {
  expect(() => parseTrainingConfig("ppo" as "sft")).toThrow(
    'there is no training script of kind "ppo": choose one of sft, dpo, kto, reward, grpo, grpo-offline',
  );
});
