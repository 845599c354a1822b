import { expect, it } from "vitest";
import { collect, testLogger } from "./test-logger.js";
import { wrapAgent } from "./wrap-agent.js";

const { logger, records } = testLogger();
const options = { logger, agentType: "general" };
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

async function recordsOf(query: string) {
  await settle();
  return (await records()).filter((record) => record.query === query);
}

/** A stream that gives one chunk a pull, and counts the pulls. */
function source(chunks: readonly unknown[], { failure, bytes }: { failure?: Error; bytes?: boolean } = {}) {
  const seen = { pulls: 0, cancelled: undefined as unknown };
  const stream = new ReadableStream(
    {
      ...(bytes && { type: "bytes" }),
      pull(controller: ReadableStreamDefaultController) {
        const chunk = chunks[seen.pulls];
        seen.pulls += 1;
        if (chunk !== undefined) controller.enqueue(chunk);
        else if (failure) controller.error(failure);
        else close(controller);
      },
      cancel(reason: unknown) {
        seen.cancelled = reason;
      },
    } as object,
    { highWaterMark: 0 },
  );
  return { stream, seen };
}

function close(controller: ReadableStreamDefaultController | ReadableByteStreamController) {
  controller.close();
  if ("byobRequest" in controller) controller.byobRequest?.respond(0);
}

const wrapped = <S>(stream: S, query: string) => wrapAgent((_question: string) => stream, options)(query);

function sink({ highWaterMark = 1, failAt = -1 } = {}) {
  const got: unknown[] = [];
  const ends: unknown[] = [];
  const writable = new WritableStream(
    {
      write(chunk) {
        if (got.length === failAt) throw new Error("sink is full");
        got.push(chunk);
      },
      close: () => void ends.push("closed"),
      abort: (reason) => void ends.push(reason),
    },
    { highWaterMark },
  );
  return { writable, got, ends };
}

it("hands on the very stream, and reads nothing ahead", async () => {
  const { stream, seen } = source(["a", "b"]);
  const result = wrapped(stream, "reader");
  expect(result).toBe(stream);
  await settle();
  expect(seen.pulls).toBe(0);
  expect(Object.keys(result)).toEqual([]);
  const reader = result.getReader();
  expect(reader).toBeInstanceOf(ReadableStreamDefaultReader);
  expect(await reader.read()).toEqual({ done: false, value: "a" });
  await settle();
  expect(seen.pulls).toBe(1);
  expect(await reader.read()).toEqual({ done: false, value: "b" });
  expect(await recordsOf("reader")).toEqual([]);
  expect((await reader.read()).done).toBe(true);
  expect(await recordsOf("reader")).toMatchObject([{ answer: "ab", errorOccurred: false }]);
});

it("goes on with the next reader where the last one let go", async () => {
  const { stream } = source(["a", "b"]);
  const result = wrapped(stream, "two readers");
  const first = result.getReader();
  await first.read();
  first.releaseLock();
  expect(result.locked).toBe(false);
  for await (const chunk of result) expect(chunk).toBe("b");
  expect(await recordsOf("two readers")).toMatchObject([{ answer: "ab" }]);
});

it("ends with a stream that closes under its last chunk, though nobody asks again", async () => {
  const stream = new ReadableStream<string>({
    start(controller) {
      controller.enqueue("only");
      controller.close();
    },
  });
  expect((await wrapped(stream, "closed").getReader().read()).value).toBe("only");
  expect(await recordsOf("closed")).toMatchObject([{ answer: "only" }]);
});

it("decodes bytes, also a character that lies across two chunks", async () => {
  const bytes = new TextEncoder().encode("12 €");
  const { stream } = source([bytes.slice(0, 4), bytes.slice(4)], { bytes: true });
  const reader = wrapped(stream, "bytes").getReader({ mode: "byob" });
  let buffer = new ArrayBuffer(8);
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(buffer));
    if (done) break;
    buffer = value.buffer as ArrayBuffer;
  }
  expect(await recordsOf("bytes")).toMatchObject([{ answer: "12 €" }]);
});

it("marks cancelling as cancelled and hands the reason on", async () => {
  const byReader = source(["a", "b"]);
  const reader = wrapped(byReader.stream, "cancelled").getReader();
  await reader.read();
  await reader.cancel("enough");
  const byStream = source(["a", "b"]);
  const stream = wrapped(byStream.stream, "cancelled");
  const other = stream.getReader();
  await other.read();
  other.releaseLock();
  await stream.cancel("enough");
  const byLoop = source(["a", "b"]);
  for await (const _ of wrapped(byLoop.stream, "cancelled")) break;
  expect([byReader.seen.cancelled, byStream.seen.cancelled, byLoop.seen.cancelled]).toEqual([
    "enough",
    "enough",
    undefined,
  ]);
  const cancelled = { answer: "a", metadata: { cancelled: true } };
  expect(await recordsOf("cancelled")).toMatchObject([cancelled, cancelled, cancelled]);
});

it("lets a loop that keeps the stream open go on later", async () => {
  const { stream, seen } = source(["a", "b"]);
  const result = wrapped(stream, "kept open");
  for await (const _ of result.values({ preventCancel: true })) break;
  expect([result.locked, seen.cancelled]).toEqual([false, undefined]);
  expect(await recordsOf("kept open")).toEqual([]);
  await collect(result);
  expect(await recordsOf("kept open")).toMatchObject([{ answer: "ab" }]);
});

it("hands on the stream's error and keeps what came before", async () => {
  const failure = new Error("connection lost");
  const reader = wrapped(source(["a"], { failure }).stream, "broken").getReader();
  await reader.read();
  await expect(reader.read()).rejects.toBe(failure);
  await expect(reader.closed).rejects.toBe(failure);
  expect(await recordsOf("broken")).toMatchObject([
    { answer: "a", errorOccurred: true, errorMessage: "connection lost" },
  ]);
});

it("never logs a stream that nobody reads", async () => {
  const { stream, seen } = source(["a"]);
  const result = wrapped(stream, "unread");
  result.getReader().releaseLock();
  await result.cancel("not needed");
  expect(seen.cancelled).toBe("not needed");
  expect(await recordsOf("unread")).toEqual([]);
});

it("tees: both branches get everything, one record is made, cancelling needs both", async () => {
  const [left, right] = wrapped(source(["a", "b"]).stream, "tee").tee();
  const texts = await Promise.all([left, right].map(async (branch) => (await collect(branch)).join("")));
  expect(texts).toEqual(["ab", "ab"]);
  expect(await recordsOf("tee")).toMatchObject([{ answer: "ab" }]);

  const { stream, seen } = source(["a", "b", "c", "d", "e"]);
  const branches = wrapped(stream, "tee cancelled").tee();
  const first = branches[0].cancel("one");
  await settle();
  expect(seen.cancelled).toBeUndefined();
  await Promise.all([first, branches[1].cancel("two")]);
  expect(seen.cancelled).toEqual(["one", "two"]);
  expect(await recordsOf("tee cancelled")).toMatchObject([{ metadata: { cancelled: true } }]);
});

it("tees a byte stream into byte streams", async () => {
  const { stream } = source([new Uint8Array([104, 105])], { bytes: true });
  const [left, right] = wrapped(stream, "byte tee").tee();
  const reader = left.getReader({ mode: "byob" });
  expect((await reader.read(new Uint8Array(8))).value).toEqual(new Uint8Array([104, 105]));
  expect((await reader.read(new Uint8Array(8))).done).toBe(true);
  expect(await new Response(right as ReadableStream<Uint8Array>).text()).toBe("hi");
  expect(await recordsOf("byte tee")).toMatchObject([{ answer: "hi" }]);
});

it("reaches the consumers that take a stream whole", async () => {
  const bytes = () => source([new TextEncoder().encode("whole")], { bytes: true }).stream as ReadableStream<Uint8Array>;
  expect(await new Response(wrapped(bytes(), "response")).text()).toBe("whole");
  const upper = new TransformStream<string, string>({ transform: (chunk, out) => out.enqueue(chunk.toUpperCase()) });
  const piped = wrapped(bytes(), "response").pipeThrough(new TextDecoderStream()).pipeThrough(upper);
  expect(await collect(piped)).toEqual(["WHOLE"]);
  const { Readable } = await import("node:stream");
  expect(await Readable.fromWeb(wrapped(bytes(), "response") as never).toArray()).toEqual([Buffer.from("whole")]);
  expect((await recordsOf("response")).map((record) => record.answer)).toEqual(["whole", "whole", "whole"]);
});

/** What can be seen of piping a stream, so that the watched one can be held against a plain one. */
async function pipeReport(
  watched: boolean,
  chunks: unknown[],
  { failure, sinkOptions, pipe }: { failure?: Error; sinkOptions?: Parameters<typeof sink>[0]; pipe?: object },
) {
  const { stream, seen } = source(chunks, failure && { failure });
  const target = sink(sinkOptions);
  const result = watched ? wrapped(stream, "piped") : stream;
  const piped = result.pipeTo(target.writable, pipe as never);
  const locked = [result.locked, target.writable.locked];
  const outcome = await piped.then(
    () => "done",
    (error) => error,
  );
  await settle();
  const rest = result.locked
    ? "locked"
    : await result
        .getReader()
        .read()
        .catch((error: unknown) => error);
  return {
    locked,
    outcome,
    got: target.got,
    ends: target.ends,
    ...seen,
    free: [result.locked, target.writable.locked],
    rest,
  };
}

const failure = new Error("source lost");
it.each<[string, Parameters<typeof pipeReport>[2]]>([
  ["to the end", {}],
  ["without closing", { pipe: { preventClose: true } }],
  ["from a failing stream", { failure }],
  ["from a failing stream without aborting", { failure, pipe: { preventAbort: true } }],
  ["into a failing sink", { sinkOptions: { failAt: 1 } }],
  ["into a failing sink without cancelling", { sinkOptions: { failAt: 1 }, pipe: { preventCancel: true } }],
  ["with a signal that was aborted", { pipe: { signal: AbortSignal.abort("stop") } }],
  ["with wide buffers", { sinkOptions: { highWaterMark: 4 } }],
])("pipes as the built-in does: %s", async (_title, about) => {
  const plain = await pipeReport(false, ["a", "b", "c"], about);
  expect(await pipeReport(true, ["a", "b", "c"], about)).toEqual(plain);
});

it("logs a pipe at its end, a failing sink as cancelled", async () => {
  await wrapped(source(["a", "b"]).stream, "pipe").pipeTo(sink().writable);
  expect(await recordsOf("pipe")).toMatchObject([{ answer: "ab" }]);
  await expect(
    wrapped(source(["a", "b", "c"]).stream, "bad sink").pipeTo(sink({ failAt: 1 }).writable),
  ).rejects.toThrow();
  expect(await recordsOf("bad sink")).toMatchObject([{ metadata: { cancelled: true } }]);
});

it("keeps the back-pressure of a pipe", async () => {
  const report = async (watched: boolean) => {
    const { stream, seen } = source(Array.from({ length: 50 }, String));
    const stuck = new WritableStream({ write: () => new Promise(() => {}) }, { highWaterMark: 3 });
    (watched ? wrapped(stream, "stuck") : stream).pipeTo(stuck).catch(() => {});
    await settle();
    return seen.pulls;
  };
  expect(await report(true)).toBe(await report(false));
});

it("refuses what the built-in refuses", async () => {
  const { stream } = source(["a"]);
  const result = wrapped(stream, "refused");
  await expect(result.pipeTo({} as WritableStream)).rejects.toThrow(TypeError);
  expect(result.locked).toBe(false);
  expect(() => result.pipeThrough({} as never)).toThrow(TypeError);
  const reader = result.getReader();
  expect(() => result.getReader()).toThrow(TypeError);
  expect(() => result.tee()).toThrow(TypeError);
  await expect(result.cancel()).rejects.toThrow(TypeError);
  expect((await reader.read()).value).toBe("a");
});
