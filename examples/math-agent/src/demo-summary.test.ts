import { describe, expect, it } from "vitest";
import { type DemoSummary, renderSummary } from "./demo-summary.js";

const summary = (fields: Partial<DemoSummary> = {}): DemoSummary => ({
  title: "2 tasks, each answered by 2 variants",
  seconds: 0.25,
  recorded: { offered: 4, stored: 4, dropped: 0, scored: 3 },
  storePath: "./whetstone-demo/store",
  variants: [
    { variant: "planner", answers: 200, right: 199, errors: 0, unscored: 0 },
    { variant: "hasty", answers: 2, right: 0, errors: 1, unscored: 1 },
  ],
  datasets: [
    { kind: "sft", path: "./whetstone-demo/datasets/sft", rows: 1, account: "1 sft row from 4 interactions" },
    { kind: "dpo", path: "./whetstone-demo/datasets/dpo", rows: 0, account: "0 dpo rows from 4 interactions" },
  ],
  recommendation: "Go on recording.",
  examples: {},
  scripts: [{ path: "train-sft.py", command: "uv run train-sft.py" }],
  ...fields,
});

describe("renderSummary", () => {
  it("draws a full bar for nothing less than all, and says what failed or has no score", () => {
    const lines = renderSummary(summary()).split("\n");
    expect(lines).toContain("  planner  #############################.   99.5 %  199 of 200");
    expect(lines).toContain("  hasty    ..............................    0.0 %  0 of 2  1 failed, 1 unscored");
  });

  it("says of an empty dataset that it was not written, and why", () => {
    const text = renderSummary(summary());
    expect(text).toContain(
      "  sft       1 row   ./whetstone-demo/datasets/sft\n        1 sft row from 4 interactions\n",
    );
    expect(text).toContain("  dpo       0 rows  not written\n        0 dpo rows from 4 interactions\n");
  });

  it("is plain text unless colour is asked for, and the same text with it", () => {
    const plain = renderSummary(summary());
    const coloured = renderSummary(summary(), { colour: true });
    const esc = String.fromCharCode(27);
    expect(plain).not.toContain(esc);
    expect(coloured).toContain(`${esc}[1m2 tasks, each answered by 2 variants${esc}[22m`);
    expect(coloured.replace(new RegExp(`${esc}\\[\\d+m`, "g"), "")).toBe(plain);
  });

  it("shortens long texts to the width and keeps their end", () => {
    const prompt = [{ role: "user" as const, content: "Why?" }];
    const text = renderSummary(
      summary({
        examples: {
          sft: {
            messages: [...prompt, { role: "assistant", content: `${"work ".repeat(100)}\nThe answer is 7.` }],
            metadata,
          },
        },
      }),
      { width: 80 },
    );
    const line = text.split("\n").find((line) => line.includes("assistant")) ?? "";
    expect(line.length).toBeLessThanOrEqual(80);
    expect(line).toMatch(/^ {2}assistant {2}work .* \.\.\. .*\/ The answer is 7\.$/);
  });
});

const metadata = {
  interaction_id: "a",
  agent_type: "math",
  quality_score: 1,
  score_source: "verifier:math",
  latency_ms: 1,
  timestamp: "2026-01-01T00:00:00.000Z",
};
