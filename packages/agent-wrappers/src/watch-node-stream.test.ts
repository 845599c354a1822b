import { Duplex, PassThrough, Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { expect, it } from "vitest";
import { collect, testLogger } from "./test-logger.js";
import { wrapAgent } from "./wrap-agent.js";

const { logger, records } = testLogger();
const options = { logger, agentType: "general" };
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
const wrapped = <S>(stream: S, query: string) => wrapAgent((_question: string) => stream, options)(query);

async function recordsOf(query: string) {
  await settle();
  return (await records()).filter((record) => record.query === query);
}

it("hands on the very stream and does not start it", async () => {
  let reads = 0;
  const stream = new Readable({
    read() {
      reads += 1;
      this.push(null);
    },
  });
  expect(wrapped(stream, "untouched")).toBe(stream);
  await settle();
  expect([reads, stream.readableFlowing, stream.eventNames()]).toEqual([
    0,
    null,
    new Readable({ read() {} }).eventNames(),
  ]);
  expect(await recordsOf("untouched")).toEqual([]);
});

it.each<[string, (stream: Readable) => Promise<unknown>]>([
  ["a loop", async (stream) => (await collect(stream)).join("")],
  [
    "a data listener",
    (stream) =>
      new Promise((resolve) => {
        let all = "";
        stream.on("data", (chunk) => (all += chunk)).on("end", () => resolve(all));
      }),
  ],
  [
    "read()",
    (stream) =>
      new Promise((resolve) => {
        let all = "";
        stream
          .on("readable", () => {
            for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) all += chunk;
          })
          .on("end", () => resolve(all));
      }),
  ],
  ["a pipe", (stream) => text(stream.pipe(new PassThrough()))],
  [
    "a pipeline",
    async (stream) => {
      const through = new PassThrough();
      const all = text(through);
      await pipeline(stream, through);
      return all;
    },
  ],
  ["a Web stream", (stream) => text(Readable.toWeb(stream) as never)],
  ["an iterator helper", async (stream) => (await stream.map((chunk: Buffer) => chunk.toString()).toArray()).join("")],
])("logs what %s takes, once, at the end", async (way, consume) => {
  const stream = Readable.from([Buffer.from("12 "), Buffer.from([0xe2, 0x82]), Buffer.from([0xac])], {
    objectMode: false,
  });
  expect(await consume(wrapped(stream, way))).toBeDefined();
  expect(await recordsOf(way)).toMatchObject([{ answer: "12 €", errorOccurred: false }]);
});

it("keeps the back-pressure", async () => {
  const report = async (watched: boolean) => {
    let reads = 0;
    const stream = new Readable({
      highWaterMark: 4,
      read() {
        reads += 1;
        this.push("xx");
      },
    });
    const stuck = new Writable({ highWaterMark: 4, write: () => {} });
    (watched ? wrapped(stream, "stuck") : stream).pipe(stuck);
    await settle();
    return { reads, length: stream.readableLength, waiting: stuck.writableLength };
  };
  expect(await report(true)).toEqual(await report(false));
});

it("takes what lay in the buffer before the agent gave the stream away", async () => {
  const stream = new PassThrough();
  stream.end("early");
  await settle();
  expect(await text(wrapped(stream, "buffered"))).toBe("early");
  expect(await recordsOf("buffered")).toMatchObject([{ answer: "early" }]);
});

it("marks a stream that is destroyed or left early as cancelled", async () => {
  const slow = async function* () {
    yield "a";
    await settle();
    yield "b";
  };
  for await (const _ of wrapped(Readable.from(slow()), "left")) break;
  const stream = wrapped(Readable.from(slow()), "left");
  stream.once("data", () => stream.destroy());
  const cancelled = { answer: "a", metadata: { cancelled: true }, errorOccurred: false };
  expect(await recordsOf("left")).toMatchObject([cancelled, cancelled]);
});

it("hands on the stream's error and keeps what came before", async () => {
  const failure = new Error("socket hang up");
  const broken = () =>
    Readable.from(
      (async function* () {
        yield "half";
        throw failure;
      })(),
    );
  await expect(collect(wrapped(broken(), "broken"))).rejects.toBe(failure);
  const heard = await new Promise((resolve) => wrapped(broken(), "broken").on("error", resolve).resume());
  expect(heard).toBe(failure);
  const record = { answer: "half", errorOccurred: true, errorMessage: "socket hang up" };
  expect(await recordsOf("broken")).toMatchObject([record, record]);
});

it("never logs a stream that nobody reads", async () => {
  wrapped(Readable.from(["a"]), "unread").destroy();
  expect(await recordsOf("unread")).toEqual([]);
});

it("watches the readable side of a duplex", async () => {
  const duplex = Duplex.from(async function* (source: AsyncIterable<Buffer>) {
    for await (const chunk of source) yield `<${chunk}>`;
  } as never);
  const result = wrapped(duplex, "duplex");
  result.end("in");
  expect(await text(result)).toBe("<in>");
  expect(await recordsOf("duplex")).toMatchObject([{ answer: "<in>" }]);
});
