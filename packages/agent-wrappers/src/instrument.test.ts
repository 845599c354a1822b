import { ConfigError, type InteractionLogger } from "@whetstone/core";
import { expect, expectTypeOf, it } from "vitest";
import { instrument } from "./instrument.js";
import { testLogger } from "./test-logger.js";

const { logger, records } = testLogger();
const options = { logger, agentType: "math" };

class Agent {
  readonly ownLogger: InteractionLogger = logger;
  constructor(readonly name: string) {}
  solve(problem: string): string {
    return `${this.name}: ${problem}`;
  }
  get motto() {
    return "think";
  }
}

it("records the methods of one instance and leaves the others alone", async () => {
  const ada = instrument(new Agent("ada"), { solve: { ...options, variant: "b" } });
  expectTypeOf(ada).toEqualTypeOf<Agent>();
  expect(ada.solve("1")).toBe("ada: 1");
  expect(new Agent("eve").solve("2")).toBe("eve: 2");
  expect(Object.keys(ada).sort()).toEqual(["name", "ownLogger"]);
  expect((await records()).map(({ query, variant }) => [query, variant])).toEqual([["1", "b"]]);
});

it("records the methods of all instances through the prototype, with each one's own logger", async () => {
  class Solver extends Agent {
    override solve(problem: string) {
      return super.solve(problem);
    }
  }
  instrument(Solver.prototype, { solve: { agentType: "math", logger: (self) => self.ownLogger } });
  expect(new Solver("sol").solve("3")).toBe("sol: 3");
  expect([Solver.prototype.solve.name, Solver.prototype.solve.length]).toEqual(["solve", 1]);
  expect(Object.keys(Solver.prototype)).toEqual([]);
  expect((await records()).at(-1)).toMatchObject({ query: "3", answer: "sol: 3" });
});

it("takes functions in plain objects", () => {
  const tools = instrument({ add: (a: number, b: number) => a + b }, { add: options });
  expect(tools.add(1, 2)).toBe(3);
  expect(Object.keys(tools)).toEqual(["add"]);
});

it("refuses what is no method before it changes anything", () => {
  const ada = new Agent("ada");
  const untyped = (methods: object) => () => instrument(ada, methods as never);
  expect(untyped({ solve: options, motto: options })).toThrow(/instrument: motto is an accessor: name a method/);
  expect(untyped({ solve: options, guess: options })).toThrow(/instrument: guess is missing/);
  expect(untyped({ name: options })).toThrow(/instrument: name is "ada"/);
  expect(untyped({ solve: { agentType: "" } })).toThrow(ConfigError);
  expect(() => instrument(Object.freeze(new Agent("ice")), { solve: options })).toThrow(/cannot be replaced/);
  expect(Object.hasOwn(ada, "solve")).toBe(false);
  // @ts-expect-error a getter is no method
  expect(() => instrument(ada, { motto: options })).toThrow(ConfigError);
});
