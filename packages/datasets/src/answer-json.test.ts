import type { ChatMessage } from "@whetstone/core";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { answerJson } from "./answer-json.js";
import { interaction } from "./recorded.fixture.js";

const text = fc.string({
  unit: fc.oneof(fc.constantFrom(...'\\"{},:\n\u2028é'), fc.string({ unit: "grapheme" })),
});

it("cuts the texts of a plain answer out of its stored line, whatever they hold", () => {
  void fc.assert(
    fc.property(text, text, fc.boolean(), (query, answer, isOurLayout) => {
      const record = interaction({ query: query.toWellFormed(), answer: answer.toWellFormed() });
      const { agentType, ...rest } = record;
      // A line that somebody else wrote may have its names in another order.
      const json = JSON.stringify(isOurLayout ? record : { agentType, ...rest });
      const prompt: ChatMessage[] = [{ role: "user", content: record.query }];
      const turn: ChatMessage = { role: "assistant", content: record.answer };
      expect(answerJson(record, { prompt, answer: turn }, json)).toEqual({
        prompt: JSON.stringify(prompt[0]),
        lastText: JSON.stringify(record.query),
        answer: JSON.stringify(turn),
        answerText: JSON.stringify(record.answer),
      });
    }),
  );
});
