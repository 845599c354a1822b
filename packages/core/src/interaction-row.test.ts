import { expect, it } from "vitest";
import { interactionFields, interactionRow } from "./interaction-row.js";
import { interaction } from "./testing/interaction.js";

const record = interaction({
  timestamp: Date.UTC(2026, 2, 1),
  usage: { inputTokens: 3, outputTokens: 4, costUsd: 0.5 },
  errorMessage: "late",
  metadata: { keepThis: { camelCase: 1 } },
});

it("writes snake_case names and ISO times, and leaves the user's own names alone", () => {
  const row = interactionRow({
    ...record,
    annotations: [{ interactionId: "x", kind: "score", source: "verifier:math", at: 0, scores: { overall: 1 } }],
  });
  expect(row).toMatchObject({
    interaction_id: record.interactionId,
    timestamp: "2026-03-01T00:00:00.000Z",
    agent_type: "math",
    latency_ms: 12,
    error_message: "late",
    usage: { input_tokens: 3, output_tokens: 4, cost_usd: 0.5 },
    metadata: { keepThis: { camelCase: 1 } },
    annotations: [{ kind: "score", source: "verifier:math", at: "1970-01-01T00:00:00.000Z", scores: { overall: 1 } }],
  });
});

it("reads rows under either name, and only fields that an interaction has", () => {
  const fields = interactionFields(interactionRow(record));
  expect({ ...fields, timestamp: record.timestamp }).toEqual(record);
  expect(interactionFields({ agentType: "math", query: "q", somethingElse: 1, answer: null })).toEqual({
    agentType: "math",
    query: "q",
  });
});
