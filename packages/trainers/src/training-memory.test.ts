import { expect, it } from "vitest";
import { qwenShapes } from "./memory-table.js";
import { estimateTrainingMemory } from "./training-memory.js";

const seven = qwenShapes["7B"];

it("counts the weights that the models are known to have", () => {
  const billions = Object.values(qwenShapes).map((shape) => estimateTrainingMemory(shape, "sft").parameters / 1e9);
  expect(billions.map((count) => count.toFixed(2))).toEqual([
    "0.49",
    "1.54",
    "3.09",
    "7.62",
    "14.77",
    "32.76",
    "72.70",
  ]);
});

it("asks for 16 bytes a weight in full fine-tuning, and for a quarter of the weights in 4 bits", () => {
  const full = estimateTrainingMemory(seven, "sft", { useLora: false });
  expect(((full.weights + full.optimizer) * 2 ** 30) / full.parameters).toBeCloseTo(16);
  const half = estimateTrainingMemory(seven, "sft").weights;
  expect(estimateTrainingMemory(seven, "sft", { loadIn4bit: true }).weights / half).toBeCloseTo(0.38, 1);
});

it("grows with the batch, the length and the pairs, and shrinks with checkpoints", () => {
  const of = (kind: "sft" | "dpo", config: object) => estimateTrainingMemory(seven, kind, config).activations;
  expect(of("sft", { batchSize: 8 })).toBe(2 * of("sft", { batchSize: 4 }));
  expect(of("sft", { maxLength: 4096 })).toBe(2 * of("sft", { maxLength: 2048 }));
  expect(of("dpo", {})).toBe(2 * of("sft", {}));
  expect(of("sft", { gradientCheckpointing: false })).toBeGreaterThan(5 * of("sft", {}));
});
