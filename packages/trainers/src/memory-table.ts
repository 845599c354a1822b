import { estimateTrainingMemory, type ModelShape } from "./training-memory.js";

/** The shapes of the Qwen2.5 models, from 0.5 to 72 billion weights; other families are much alike. */
export const qwenShapes = {
  "0.5B": shape(896, 4864, 24, 128, false, 151_936),
  "1.5B": shape(1536, 8960, 28, 256, false, 151_936),
  "3B": shape(2048, 11_008, 36, 256, false, 151_936),
  "7B": shape(3584, 18_944, 28, 512, true, 152_064),
  "14B": shape(5120, 13_824, 48, 1024, true, 152_064),
  "32B": shape(5120, 27_648, 64, 1024, true, 152_064),
  "72B": shape(8192, 29_568, 80, 1024, true, 152_064),
} as const satisfies Readonly<Record<string, ModelShape>>;

/** The table of docs/training.md: what one GPU needs for each size, at batch size 1 and 2048 tokens. */
export function memoryTable(): string {
  const small = { batchSize: 1, gradientAccumulationSteps: 16, maxLength: 2048 };
  const columns = [
    ["SFT, QLoRA", "sft", { ...small, loadIn4bit: true }],
    ["SFT, LoRA", "sft", small],
    ["DPO, LoRA", "dpo", small],
    ["GRPO, LoRA", "grpo", { ...small, batchSize: 8, gradientAccumulationSteps: 2 }],
    ["SFT, full", "sft", { ...small, useLora: false }],
  ] as const;
  const rows = Object.entries(qwenShapes).map(([name, model]) => {
    const cells = columns.map(
      ([, kind, config]) => `${Math.ceil(estimateTrainingMemory(model, kind, config).total)} GiB`,
    );
    return `| ${[name, ...cells].join(" | ")} |`;
  });
  return [
    `| model | ${columns.map(([title]) => title).join(" | ")} |`,
    `|---|${columns.map(() => "--:").join("|")}|`,
    ...rows,
  ].join("\n");
}

function shape(
  hiddenSize: number,
  intermediateSize: number,
  layers: number,
  keyValueSize: number,
  untiedOutput: boolean,
  vocabularySize: number,
): ModelShape {
  return { hiddenSize, intermediateSize, layers, keyValueSize, untiedOutput, vocabularySize };
}
