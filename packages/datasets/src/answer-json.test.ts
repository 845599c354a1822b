import type { ChatMessage } from "@whetstone/core";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { storedJson, turnsJson } from "./answer-json.js";
import { interaction } from "./recorded.fixture.js";

const text = fc.string({
  unit: fc.oneof(fc.constantFrom(...'\\"{},:\n\u2028é'), fc.string({ unit: "grapheme" })),
});

it("cuts the texts of a plain answer out of its stored line as they are written, whatever they hold", () => {
  void fc.assert(
    fc.property(text, text, (query, answer) => {
      const record = interaction({ query: query.toWellFormed(), answer: answer.toWellFormed() });
      const { agentType, ...rest } = record;
      const prompt: ChatMessage[] = [{ role: "user", content: record.query }];
      const turn: ChatMessage = { role: "assistant", content: record.answer };
      const json = turnsJson({ prompt, answer: turn });
      expect(json).toEqual({
        prompt: JSON.stringify(prompt[0]),
        lastText: JSON.stringify(record.query),
        answer: JSON.stringify(turn),
        answerText: JSON.stringify(record.answer),
      });
      expect(storedJson(JSON.stringify(record))).toEqual(json);
      // A line that somebody else wrote may have its names in another order.
      expect(storedJson(JSON.stringify({ agentType, ...rest }))).toBe(null);
    }),
  );
});
