import { expect, it } from "vitest";
import { collect, testLogger } from "./test-logger.js";
import { wrapAgent } from "./wrap-agent.js";

const { logger, records } = testLogger();
const options = { logger, agentType: "general" };

async function recordsOf(query: string) {
  return (await records()).filter((record) => record.query === query);
}

it("logs a generator once, at its end, with its chunks joined", async () => {
  const gen = (function* () {
    yield "one ";
    yield { text: "two" };
  })();
  const result = wrapAgent((_question: string) => gen, options)("sync");
  expect(result).toBe(gen);
  expect([...result]).toEqual(["one ", { text: "two" }]);
  expect(await recordsOf("sync")).toMatchObject([{ answer: "one two", errorOccurred: false }]);
});

it("keeps what is sent in, thrown in and returned", async () => {
  const heard: unknown[] = [];
  const talk = wrapAgent(function* (_question: string): Generator<string, { answer: string }, string> {
    heard.push(yield "first");
    try {
      yield "second";
    } catch (error) {
      heard.push(error);
      yield "third";
    }
    return { answer: "whole" };
  }, options);
  const gen = talk("two-way");
  expect(gen.next("ignored")).toEqual({ value: "first", done: false });
  expect(gen.next("sent")).toEqual({ value: "second", done: false });
  expect(gen.throw("thrown")).toEqual({ value: "third", done: false });
  expect(gen.next("")).toEqual({ value: { answer: "whole" }, done: true });
  expect(heard).toEqual(["sent", "thrown"]);
  expect(await recordsOf("two-way")).toMatchObject([{ answer: "firstsecondthird" }]);
});

it("reads the returned object of a generator without text", async () => {
  const work = wrapAgent(async function* (_question: string) {
    yield { type: "step", n: 1 };
    return { answer: "42", toolsUsed: ["calculator"] };
  }, options);
  for await (const _ of work("steps")) {
    // The steps are for the progress display.
  }
  expect(await recordsOf("steps")).toMatchObject([{ answer: "42", toolsUsed: ["calculator"] }]);
});

it("logs an async generator when the loop has ended", async () => {
  const ask = wrapAgent(async function* (_question: string) {
    yield "a";
    await new Promise(setImmediate);
    yield "b";
  }, options);
  const chunks: string[] = [];
  for await (const chunk of ask("async")) {
    chunks.push(chunk);
    expect(await recordsOf("async")).toEqual([]);
  }
  expect(chunks).toEqual(["a", "b"]);
  expect(await recordsOf("async")).toMatchObject([{ answer: "ab" }]);
});

it("marks a loop that is left early as cancelled, and runs the generator's cleanup", async () => {
  let cleaned = 0;
  const sync = wrapAgent(function* (_question: string) {
    try {
      yield "a";
      yield "b";
    } finally {
      cleaned += 1;
    }
  }, options);
  const later = wrapAgent(async function* (_question: string) {
    try {
      yield "a";
      yield "b";
    } finally {
      cleaned += 1;
    }
  }, options);
  for (const _ of sync("left")) break;
  for await (const _ of later("left")) break;
  expect(cleaned).toBe(2);
  const cancelled = { answer: "a", metadata: { cancelled: true }, errorOccurred: false };
  expect(await recordsOf("left")).toMatchObject([cancelled, cancelled]);
  expect(sync("returned").return("early" as never)).toEqual({ value: "early", done: true });
  expect(await recordsOf("returned")).toEqual([]);
});

it("does not take a yield in a finally block for the end", async () => {
  const ask = wrapAgent(function* (_question: string) {
    try {
      yield "a";
    } finally {
      yield "b";
    }
  }, options);
  const gen = ask("finally");
  gen.next();
  expect(gen.return(undefined)).toEqual({ value: "b", done: false });
  expect(await recordsOf("finally")).toEqual([]);
  gen.next();
  expect(await recordsOf("finally")).toMatchObject([{ answer: "ab", metadata: { cancelled: true } }]);
});

it("hands on the error of a generator and keeps what came before", async () => {
  const failure = new Error("lost the model");
  const sync = wrapAgent(function* (_question: string) {
    yield "half";
    throw failure;
  }, options);
  const later = wrapAgent(async function* (_question: string) {
    yield "half";
    throw failure;
  }, options);
  expect(() => [...sync("breaks")]).toThrow(failure);
  await expect(
    (async () => {
      await collect(later("breaks"));
    })(),
  ).rejects.toBe(failure);
  const broken = { answer: "half", errorOccurred: true, errorMessage: "lost the model" };
  expect(await recordsOf("breaks")).toMatchObject([broken, broken]);
});

it("never logs a generator that nobody iterates", async () => {
  const ask = wrapAgent(async function* (_question: string) {
    yield "unheard";
  }, options);
  void ask("ignored");
  await ask("ignored").return(undefined);
  await expect(ask("ignored").throw(new Error("not even begun"))).rejects.toThrow("not even begun");
  expect(await recordsOf("ignored")).toEqual([]);
});

it("watches requests that an async generator has queued", async () => {
  const ask = wrapAgent(async function* (_question: string) {
    yield "a";
    yield "b";
  }, options);
  const gen = ask("queued");
  await Promise.all([gen.next(), gen.next(), gen.next(), gen.return(undefined)]);
  expect(await recordsOf("queued")).toMatchObject([{ answer: "ab" }]);
  expect((await recordsOf("queued"))[0]?.metadata).toBeUndefined();
});

it("works through yield* of another wrapped agent, and logs both", async () => {
  const inner = wrapAgent(async function* (_question: string) {
    yield "deep";
  }, options);
  const outer = wrapAgent(async function* (_question: string) {
    yield "shallow ";
    yield* inner("inner");
  }, options);
  await collect(outer("outer"));
  expect(await recordsOf("inner")).toMatchObject([{ answer: "deep" }]);
  expect(await recordsOf("outer")).toMatchObject([{ answer: "shallow deep" }]);
});

it("watches an async iterable that is no iterator, with its tee, as API clients give it", async () => {
  class Stream {
    readonly controller = new AbortController();
    constructor(private iterator: () => AsyncIterator<string>) {}
    [Symbol.asyncIterator]() {
      return this.iterator();
    }
    tee(): [Stream, Stream] {
      const shared = this.iterator();
      const queues: Promise<IteratorResult<string>>[][] = [[], []];
      const half = (own: number) =>
        new Stream(() => ({
          next() {
            if (queues[own]?.length === 0) {
              const step = shared.next();
              for (const queue of queues) queue.push(step);
            }
            return queues[own]?.shift() as Promise<IteratorResult<string>>;
          },
        }));
      return [half(0), half(1)];
    }
  }
  async function* chunks() {
    yield "x";
    yield "y";
  }
  const stream = new Stream(chunks);
  const ask = wrapAgent(async (_question: string) => stream, options);
  const result = await ask("api");
  expect(result).toBe(stream);
  expect(result.controller).toBeInstanceOf(AbortController);
  for (const half of result.tee()) {
    let text = "";
    for await (const chunk of half) text += chunk;
    expect(text).toBe("xy");
  }
  expect(await recordsOf("api")).toMatchObject([{ answer: "xy" }]);

  const again = wrapAgent(() => new Stream(chunks), { ...options, describe: () => ({ query: "plain api" }) });
  await collect(again());
  expect(await recordsOf("plain api")).toMatchObject([{ answer: "xy" }]);
});

it("takes arrays and maps for values, and built-in iterators stay fast", async () => {
  const ask = wrapAgent((_question: string) => ["a", "b"], options);
  expect(ask("array")).toEqual(["a", "b"]);
  expect(await recordsOf("array")).toMatchObject([{ answer: '["a","b"]' }]);
  const iterator = [1, 2].values();
  wrapAgent((_question: string) => iterator, options)("iterator");
  expect(Object.hasOwn(iterator, "next")).toBe(false);
});

it("keeps 10,000 chunks for describe, and flags a text that it had to cut", async () => {
  let kept = 0;
  const ask = wrapAgent(
    function* (_question: string) {
      for (let i = 0; i < 12_000; i++) yield "0123456789".repeat(4);
    },
    {
      ...options,
      describe(_args, result) {
        kept = result?.length ?? 0;
        return {};
      },
    },
  );
  for (const _ of ask("long"));
  expect(kept).toBe(10_000);
  const [record] = await recordsOf("long");
  expect(record?.flags).toContain("answer:truncated");
});
