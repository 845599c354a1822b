import { ConfigError } from "@whetstone/core";
import { expect, it } from "vitest";
import { useDecoratedAgents } from "../fixtures/decorated-agents.js";
import { expectedAgents, expectedRecords } from "../fixtures/expected-agents.js";
import { logged } from "./logged.js";
import { endings, testLogger } from "./test-logger.js";

// This file runs twice: `vitest.legacy.config.ts` compiles it with `experimentalDecorators`.

it("records decorated methods and changes nothing about them", async () => {
  const { logger, records } = testLogger();
  expect(await useDecoratedAgents(logged, logger)).toEqual(expectedAgents);
  expect(endings(await records())).toEqual(expectedRecords);
});

it("refuses fields and accessors, in words that help", () => {
  const options = { agentType: "math", logger: testLogger().logger };
  const field = () => {
    class Agent {
      // @ts-expect-error a field is no method
      @logged(options) solve = (problem: string) => problem;
    }
    return Agent;
  };
  const accessor = () => {
    class Agent {
      // @ts-expect-error a getter is no method
      @logged(options) get solver() {
        return "abacus";
      }
    }
    return Agent;
  };
  expect(field).toThrow(ConfigError);
  expect(field).toThrow(/@logged stands on the field solve: put it on a method/);
  expect(accessor).toThrow(/@logged stands on the (getter|accessor) solver/);
  expect(() => logged({ ...options, agentType: "" })).toThrow(/@logged: agentType is ""/);
});
