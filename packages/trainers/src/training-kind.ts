import { ConfigError } from "@whetstone/core";
import { quoted } from "./quoted.js";

/** The kinds of training there is a script for. */
export const trainingKinds = ["sft", "dpo", "kto", "reward", "grpo", "grpo-offline"] as const;

export type TrainingKind = (typeof trainingKinds)[number];

/** @throws ConfigError when there is no script of this kind */
export function checkTrainingKind(kind: unknown): TrainingKind {
  const known = trainingKinds.find((name) => name === kind);
  if (known) return known;
  throw new ConfigError(
    `there is no training script of kind ${quoted(kind)}: choose one of ${trainingKinds.join(", ")}`,
  );
}
