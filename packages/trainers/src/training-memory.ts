import { parseTrainingConfig, type TrainingConfigInput } from "./training-config.js";
import type { TrainingKind } from "./training-kind.js";

/** What of a transformer decides how much memory its training takes; its config.json has these numbers. */
export interface ModelShape {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  /** Attention heads for keys and values times the size of a head. */
  readonly keyValueSize: number;
  readonly vocabularySize: number;
  /** Whether the output layer has weights of its own. */
  readonly untiedOutput?: boolean | undefined;
}

/** An estimate in GiB for one GPU. */
export interface MemoryEstimate {
  readonly parameters: number;
  readonly weights: number;
  /** Gradients, the optimizer's two moments, and the float32 weights that they change. */
  readonly optimizer: number;
  readonly activations: number;
  /** One row of probabilities over the vocabulary for each token that the loss is on. */
  readonly logits: number;
  readonly total: number;
}

/**
 * Estimates the memory of one GPU that trains with a config: what follows from the numbers of weights and of tokens,
 * and a tenth and 1.5 GiB more for what does not. Sharding (FSDP2, ZeRO) divides weights and optimizer by the GPUs.
 */
export function estimateTrainingMemory(
  shape: ModelShape,
  kind: TrainingKind,
  input: TrainingConfigInput = {},
): MemoryEstimate {
  const config = parseTrainingConfig(kind, input);
  const { hiddenSize, intermediateSize, layers, keyValueSize, vocabularySize } = shape;
  const linear = layers * (2 * hiddenSize * (hiddenSize + keyValueSize) + 3 * hiddenSize * intermediateSize);
  const embeddings = vocabularySize * hiddenSize * (shape.untiedOutput ? 2 : 1);
  const parameters = linear + embeddings;
  // An adapter has loraR times the width and the height of each of the seven matrices of a layer.
  const sides = 4 * hiddenSize + 2 * (hiddenSize + keyValueSize) + 3 * (hiddenSize + intermediateSize);
  const trained = config.useLora ? layers * sides * config.loraR : parameters;

  // 4-bit weights carry their scales: about 0.56 bytes each. Weights that are trained themselves stay in float32.
  const weightBytes = config.loadIn4bit ? 0.56 * linear + 2 * embeddings : (config.useLora ? 2 : 4) * parameters;
  const optimizerBytes = trained * (config.useLora ? 16 : 12);
  // A preference is two sequences, and so is what KTO compares to find its KL term.
  const sequences = config.batchSize * (["dpo", "kto", "reward"].includes(kind) ? 2 : 1);
  const tokens = sequences * config.maxLength;
  // With checkpoints one layer at a time is computed again: about 16 hidden and 4 inner vectors a token, in 2 bytes.
  const layer = 16 * hiddenSize + 4 * intermediateSize;
  const kept = config.gradientCheckpointing ? layers * hiddenSize + layer : layers * layer;
  // Logits, their gradient and their logarithm in float32: the most, for newer versions of TRL need less. SFT goes through them in pieces, a score has none.
  const answer = kind === "grpo" ? sequences * config.maxCompletionLength : tokens;
  const logitBytes = kind === "sft" || kind === "reward" ? 0 : 12 * answer * vocabularySize;

  const [weights, optimizer, activations, logits] = [weightBytes, optimizerBytes, 2 * tokens * kept, logitBytes].map(
    (bytes) => bytes / 2 ** 30,
  ) as [number, number, number, number];
  return {
    parameters,
    weights,
    optimizer,
    activations,
    logits,
    total: 1.1 * (weights + optimizer + activations + logits) + 1.5,
  };
}
