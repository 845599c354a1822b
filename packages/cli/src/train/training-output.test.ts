import { describe, expect, it } from "vitest";
import { type TrainingEvent, trainingOutput } from "./training-output.js";

/** What a training's output comes to, given in pieces on its two streams. */
function events(...pieces: readonly (readonly ["out" | "err", string])[]): TrainingEvent[] {
  const output = trainingOutput();
  const readers = { out: output.reader(), err: output.reader() };
  const seen = pieces.flatMap(([stream, piece]) => readers[stream].read(piece));
  return [...seen, ...readers.out.end(), ...readers.err.end()];
}

describe("trainingOutput", () => {
  it("reads how far the training is from the trainer's bar, and knows the step of what is logged beside it", () => {
    expect(
      events(
        ["err", "\r  0%|          | 0/39 [00:00<?, ?it/s]"],
        ["err", "\r 13%|█▎        | 5/39 [00:01<00:09,  3.41it/s]"],
        ["out", "{'loss': '0.2365', 'grad_norm': 1.5e-05, 'rewards/margins': '-0.1', 'bad': 'nan', 'epoch': '0.38'}\n"],
      ),
    ).toEqual([
      { kind: "progress", progress: { step: 0, steps: 39, left: null } },
      { kind: "progress", progress: { step: 0, steps: 39, left: null } },
      { kind: "progress", progress: { step: 5, steps: 39, left: "00:09" } },
      {
        kind: "metrics",
        metrics: { step: 5, loss: 0.2365, grad_norm: 1.5e-5, "rewards/margins": -0.1, epoch: 0.38 },
      },
      { kind: "progress", progress: { step: 5, steps: 39, left: "00:09" } },
    ]);
  });

  it("leaves out the bars of other work and the one of an evaluation, and takes up the trainer's own again, though an error stands behind it", () => {
    const seen = events(
      ["err", "Map:  41%|████      | 78/190 [00:00<00:00, 737.52 examples/s]\r"],
      ["err", "Generating train split: 201 examples [00:00, 3640.83 examples/s]\n"],
      ["err", " 50%|█████     | 20/40 [00:10<00:10,  2.00it/s]\r"],
      ["err", "  0%|          | 0/7 [00:00<?, ?it/s]\r 57%|█████▋    | 4/7 [00:01<00:00, 3.00it/s]\r"],
      ["out", "{'eval_loss': '0.5', 'epoch': '1'}\n"],
      ["err", " 52%|█████▎    | 21/40 [00:12<00:09,  2.00it/s]Traceback (most recent call last):\n"],
    ).map((event) =>
      event.kind === "progress" ? event.progress.step : event.kind === "text" ? event.text : event.metrics.step,
    );
    expect(seen).toEqual([20, 20, 21, "Traceback (most recent call last):"]);
  });

  it("hands on every other line as it is, whatever the pieces", () => {
    expect(events(["out", "rows: 20"], ["out", "1 to train on\r\nsaved to {x}\n"], ["err", "no newline"])).toEqual([
      { kind: "text", text: "rows: 201 to train on" },
      { kind: "text", text: "saved to {x}" },
      { kind: "text", text: "no newline" },
    ]);
  });
});
