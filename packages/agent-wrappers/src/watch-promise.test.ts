import { expect, it } from "vitest";
import { testLogger } from "./test-logger.js";
import { wrapAgent } from "./wrap-agent.js";

const { logger, records } = testLogger();
const options = { logger, agentType: "general" };

const answers = async () => (await records()).map((record) => record.answer);

it("hands on a promise of a subclass as it is", async () => {
  class Cancellable<T> extends Promise<T> {
    cancel() {
      return "cancelled";
    }
  }
  const promise = new Cancellable<string>((resolve) => setImmediate(resolve, "subclass"));
  const result = wrapAgent((_question: string) => promise, options)("q");
  expect(result).toBe(promise);
  expect(result.cancel()).toBe("cancelled");
  expect(await result).toBe("subclass");
  expect(await answers()).toContain("subclass");
});

/** The shape of the promise that the clients of OpenAI and Anthropic give: the body is read in `parse`. */
class APIPromise<T> extends Promise<T> {
  parsed: Promise<T> | undefined;
  constructor(
    readonly response: Promise<Response>,
    readonly read: (response: Response) => Promise<T>,
  ) {
    super((resolve) => resolve(null as T));
  }
  parse(): Promise<T> {
    this.parsed ??= this.response.then(this.read);
    return this.parsed;
  }
  asResponse() {
    return this.response;
  }
  async withResponse() {
    const [data, response] = await Promise.all([this.parse(), this.asResponse()]);
    return { data, response };
  }
  // biome-ignore lint/suspicious/noThenProperty: the real one has it
  override then<A = T, B = never>(
    seen?: ((value: T) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.parse().then(seen, failed);
  }
}
const callApi = (text: string) => new APIPromise(Promise.resolve(new Response(text)), (response) => response.text());

it("leaves an API promise's body to the caller who wants the raw response", async () => {
  const ask = wrapAgent((text: string) => callApi(text), options);
  expect(await (await ask("raw body").asResponse()).text()).toBe("raw body");
  expect(await ask("awaited")).toBe("awaited");
  expect((await ask("with response").withResponse()).data).toBe("with response");
  const logged = await answers();
  expect(logged).toEqual(expect.arrayContaining(["awaited", "with response"]));
  expect(logged).not.toContain("raw body");
  expect(logged.filter((answer) => answer === "with response")).toHaveLength(1);
});

it("starts a lazy thenable never by itself, and no second time", async () => {
  let runs = 0;
  const query = {
    // biome-ignore lint/suspicious/noThenProperty: this is what query builders do
    then(seen: (rows: string) => unknown) {
      runs += 1;
      return Promise.resolve("rows").then(seen);
    },
  };
  const result = wrapAgent((_question: string) => query, options)("q");
  expect(result).toBe(query);
  expect(runs).toBe(0);
  expect(await result).toBe("rows");
  expect(runs).toBe(1);
  expect(await answers()).toContain("rows");
});

it("causes no unhandled rejection beside the caller's own handling", async () => {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", listener);
  const ask = wrapAgent((_question: string) => Promise.reject(new Error("down")), options);
  await expect(ask("q")).rejects.toThrow("down");
  await new Promise((resolve) => setTimeout(resolve, 10));
  process.off("unhandledRejection", listener);
  expect(unhandled).toEqual([]);
});

it("follows a promise to the stream it resolves to", async () => {
  const ask = wrapAgent(async (_question: string) => ReadableStream.from(["late ", "stream"]), options);
  let text = "";
  for await (const chunk of await ask("q")) text += chunk;
  expect(text).toBe("late stream");
  expect(await answers()).toContain("late stream");
});
