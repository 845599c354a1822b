import { ConfigError, defaultLogger } from "@whetstone/core";
import { expect, expectTypeOf, it, vi } from "vitest";
import { testLogger } from "./test-logger.js";
import { wrapAgent } from "./wrap-agent.js";

const { logger, records } = testLogger();
const options = { logger, agentType: "general" };

async function last() {
  const all = await records();
  return all[all.length - 1];
}

it("hands on a plain value and stays synchronous", async () => {
  const add = wrapAgent((question: string) => `${question} 42`, options);
  expect(add("six times seven?")).toBe("six times seven? 42");
  expect(await last()).toMatchObject({
    query: "six times seven?",
    answer: "six times seven? 42",
    agentType: "general",
    errorOccurred: false,
  });
});

it("hands on the very promise", async () => {
  const promise = Promise.resolve("Paris");
  const ask = wrapAgent((_question: string) => promise, options);
  expect(ask("capital of France?")).toBe(promise);
  await promise;
  expect(await last()).toMatchObject({ query: "capital of France?", answer: "Paris" });
});

it("has logged a promise's value by the time the caller sees it", async () => {
  const ids: string[] = [];
  const ask = wrapAgent(async () => "done", {
    agentType: "general",
    logger: { ...logger, log: (input) => ids.push(input.answer).toString() },
  });
  await ask();
  expect(ids).toEqual(["done"]);
});

it("hands the agent's own error to the caller, untouched", async () => {
  const failure = new Error("model is down");
  const ask = wrapAgent((_question: string) => Promise.reject(failure), options);
  await expect(ask("why?")).rejects.toBe(failure);
  expect(await last()).toMatchObject({ query: "why?", answer: "", errorOccurred: true, errorMessage: "model is down" });
});

it("throws what a synchronous agent throws, also when it is no error", async () => {
  const thrown = { status: 429 };
  const ask = wrapAgent((_question: string): string => {
    throw thrown;
  }, options);
  expect(() => ask("now?")).toThrow(expect.toSatisfy((error) => error === thrown));
  expect(await last()).toMatchObject({ query: "now?", errorOccurred: true });
});

it("keeps this, name, length, own properties and construction", () => {
  const agent = Object.assign(
    function consult(this: { name: string }, question: string, _depth: number) {
      return `${this.name}: ${question}`;
    },
    { version: 3 },
  );
  const wrapped = wrapAgent(agent, options);
  expect(wrapped.call({ name: "ada" }, "hello", 1)).toBe("ada: hello");
  expect([wrapped.name, wrapped.length, wrapped.version]).toEqual(["consult", 2, 3]);
  function Agent() {}
  expect(new (wrapAgent(Agent, options) as unknown as new () => object)()).toBeInstanceOf(Agent);
});

it("keeps the type of generic and overloaded functions", () => {
  const generic = <T extends string>(value: T): { value: T } => ({ value });
  const stillGeneric: typeof generic = wrapAgent(generic, options);
  expectTypeOf(wrapAgent(generic, options)("a")).toEqualTypeOf<{ value: "a" }>();
  expect(stillGeneric("a")).toEqual({ value: "a" });

  function ask(question: string): Promise<string>;
  function ask(question: string, options: { stream: true }): AsyncGenerator<string>;
  function ask(question: string, options?: { stream: true }): Promise<string> | AsyncGenerator<string> {
    return options
      ? (async function* () {
          yield question;
        })()
      : Promise.resolve(question);
  }
  const wrapped = wrapAgent(ask, options);
  expectTypeOf(wrapped).toEqualTypeOf<typeof ask>();
  expectTypeOf(wrapped("q")).toEqualTypeOf<Promise<string>>();
  expectTypeOf(wrapped("q", { stream: true })).toEqualTypeOf<AsyncGenerator<string>>();

  const bound = function (this: { name: string }, question: string) {
    return this.name + question;
  };
  expectTypeOf(wrapAgent(bound, options)).toEqualTypeOf<typeof bound>();
});

it("tells describe the types of the agent", () => {
  wrapAgent(async (question: string, depth: number) => ({ text: question, depth }), {
    ...options,
    describe(args, result, end) {
      expectTypeOf(args).toEqualTypeOf<[question: string, depth: number]>();
      expectTypeOf(result).toEqualTypeOf<{ text: string; depth: number } | undefined>();
      expectTypeOf(end.latencyMs).toBeNumber();
      return {};
    },
  });
  wrapAgent(
    async function* () {
      yield 1;
    },
    {
      ...options,
      describe(_args, result) {
        expectTypeOf(result).toEqualTypeOf<readonly number[] | undefined>();
        return {};
      },
    },
  );
});

it("lets describe fill the record, and what it leaves out comes from the default", async () => {
  const ask = wrapAgent(async (question: string) => ({ answer: `re: ${question}`, confidence: 0.9 }), {
    ...options,
    variant: "b",
    model: "local-1",
    metadata: { team: "x" },
    describe: (_args, result, { latencyMs }) => ({
      qualityScores: { overall: result?.confidence ?? 0 },
      metadata: { quick: latencyMs < 60_000 },
    }),
  });
  await ask("hi");
  expect(await last()).toMatchObject({
    query: "hi",
    answer: "re: hi",
    qualityScores: { overall: 0.9 },
    variant: "b",
    model: "local-1",
    metadata: { team: "x", quick: true },
  });
});

it("logs by the default and tells onError when describe fails", async () => {
  const errors: unknown[] = [];
  const failure = new Error("no such field");
  const ask = wrapAgent((question: string) => question.toUpperCase(), {
    ...options,
    onError: (error) => errors.push(error),
    describe: () => {
      throw failure;
    },
  });
  expect(ask("loud")).toBe("LOUD");
  expect(errors).toEqual([failure]);
  expect(await last()).toMatchObject({ query: "loud", answer: "LOUD" });
});

it("refuses a describe that returns a promise, hears of its rejection and logs at once by the default", async () => {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", listener);
  const failure = new Error("lookup failed");
  const rejecting = async () => {
    throw failure;
  };
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tried here
  const thenable = { then: (_value: unknown, fail: (error: unknown) => void) => fail(failure) };
  for (const [describe, heard] of [
    [rejecting, [failure]],
    [async () => ({ answer: "late" }), []],
    [() => thenable, [failure]],
  ] as const) {
    const errors: unknown[] = [];
    const ask = wrapAgent((question: string) => question.toUpperCase(), {
      ...options,
      onError: (error) => errors.push(error),
      describe: describe as unknown as () => object,
    });
    const before = (await records()).length;
    expect(ask("soon")).toBe("SOON");
    await new Promise(setImmediate);
    expect(errors[0]).toBeInstanceOf(ConfigError);
    expect(String(errors[0])).toMatch(/describe returned a promise/);
    expect(errors.slice(1)).toEqual(heard);
    expect(await records()).toHaveLength(before + 1);
    expect(await last()).toMatchObject({ query: "soon", answer: "SOON" });
  }
  process.off("unhandledRejection", listener);
  expect(unhandled).toEqual([]);
});

it("keeps every failure of logger, describe and onError from the caller", async () => {
  const broken = () => {
    throw new Error("broken");
  };
  const results: unknown[] = [];
  for (const logger of [broken, { ...testLogger().logger, log: broken }]) {
    const ask = wrapAgent(async (question: string) => question, {
      agentType: "general",
      logger,
      describe: broken,
      onError: broken,
    });
    results.push(await ask("still here"));
  }
  expect(results).toEqual(["still here", "still here"]);
});

it("survives arguments and results that cannot be read", async () => {
  const hostile = new Proxy(
    {},
    {
      get: () => {
        throw new Error("get");
      },
      has: () => {
        throw new Error("has");
      },
    },
  );
  const ask = wrapAgent((value: object) => value, { ...options, onError() {} });
  expect(ask(hostile)).toBe(hostile);
  const cyclic: { self?: unknown; big: bigint } = { big: 1n };
  cyclic.self = cyclic;
  expect(ask(cyclic)).toBe(cyclic);
  expect(await last()).toMatchObject({ answer: '{"big":"1","self":"[Circular]"}' });
});

it("logs a result that cannot be read once, with what is readable", async () => {
  const trap = () => {
    throw new Error("trap");
  };
  const closed = new Proxy(
    {},
    { get: trap, has: trap, getOwnPropertyDescriptor: trap, ownKeys: trap, getPrototypeOf: trap },
  );
  const half = new Proxy(
    { answer: "Paris", model: "m-1" },
    { has: (target, name) => (name === "then" || name === "usage" ? trap() : name in target) },
  );
  for (const [result, recorded] of [
    [closed, { query: "where?", answer: "", errorOccurred: false }],
    [half, { query: "where?", answer: "Paris", model: "m-1" }],
    [new Proxy({}, { ownKeys: trap, has: trap }), { query: "where?" }],
  ] as const) {
    const errors: unknown[] = [];
    const before = (await records()).length;
    const ask = wrapAgent((_question: string): object => result, {
      ...options,
      onError: (error) => errors.push(error),
    });
    expect(ask("where?")).toBe(result);
    expect(await records()).toHaveLength(before + 1);
    expect(await last()).toMatchObject(recorded);
    expect(errors).toContainEqual(new Error("trap"));
  }
});

it("records the status line of a fetch response and leaves the body to the caller", async () => {
  const ask = wrapAgent(
    async (_question: string) => new Response("busy", { status: 503, statusText: "Service Unavailable" }),
    options,
  );
  const response = await ask("now?");
  expect(response.bodyUsed).toBe(false);
  expect(await response.text()).toBe("busy");
  expect(await last()).toMatchObject({ query: "now?", answer: "HTTP 503 Service Unavailable" });
});

it("reads no getter of a result", async () => {
  let reads = 0;
  class StreamResult {
    answer = "kept";
    get text() {
      reads += 1;
      return "drained";
    }
  }
  wrapAgent((_question: string) => new StreamResult(), options)("?");
  expect(reads).toBe(0);
  expect(await last()).toMatchObject({ answer: "kept" });
});

it("takes the question as it was when the call began", async () => {
  const ask = wrapAgent(async (messages: { role: string; content: string }[]) => {
    messages.push({ role: "assistant", content: "let me see" }, { role: "user", content: "injected" });
    return "4";
  }, options);
  await ask([
    { role: "system", content: "be brief" },
    { role: "user", content: "2+2?" },
  ]);
  expect(await last()).toMatchObject({
    query: "2+2?",
    messages: [
      { role: "system", content: "be brief" },
      { role: "user", content: "2+2?" },
      { role: "assistant", content: "4" },
    ],
  });
});

it("refuses options that cannot work, before any call", () => {
  const ask = (question: string) => question;
  expect(() => wrapAgent(ask, { logger, agentType: "" })).toThrow(ConfigError);
  expect(() => wrapAgent(ask, { logger: {} as typeof logger, agentType: "x" })).toThrow(/logger is object/);
  expect(() => wrapAgent("no" as unknown as typeof ask, options)).toThrow(/the agent is "no"/);
  expect(() => wrapAgent(ask, { ...options, describe: 3 as never })).toThrow(/describe is number/);
});

it("refuses a class, whose calls it would never see", () => {
  class MathAgent {
    solve(problem: string) {
      return problem;
    }
  }
  expect(() => wrapAgent(MathAgent as unknown as () => void, options)).toThrow(ConfigError);
  expect(() => wrapAgent(MathAgent as unknown as () => void, options)).toThrow(/instrument\(MathAgent\.prototype/);
});

it("goes to the process's default logger when it is given none", () => {
  vi.stubEnv("WHETSTONE_URL", "memory:");
  const before = defaultLogger().stats().offered;
  wrapAgent((question: string) => question, { agentType: "general" })("to the default");
  expect(defaultLogger().stats().offered).toBe(before + 1);
  vi.unstubAllEnvs();
});

it("warns once of a failing describe when nobody listens for errors", async () => {
  const warnings: Error[] = [];
  const listener = (warning: Error) => warnings.push(warning);
  process.on("warning", listener);
  const ask = wrapAgent((question: string) => question, {
    ...options,
    describe: () => {
      throw new Error("no such field");
    },
  });
  ask("one");
  ask("two");
  await new Promise(setImmediate);
  process.off("warning", listener);
  expect(warnings.map(({ name, message }) => [name, message])).toEqual([
    ["WhetstoneWarning", "a call of the general agent was not recorded in full: Error: no such field"],
  ]);
});
