import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { currentInteraction, withSession } from "./interaction-context.js";
import { collect, testLogger } from "./test-logger.js";
import { wrapAgent } from "./wrap-agent.js";

const { logger, records } = testLogger();
const options = { logger, agentType: "general" };

const record = async (query: string) => (await records()).find((record) => record.query === query);

it("lets the code inside an agent say more of the call", async () => {
  const ids: (string | undefined)[] = [];
  const ask = wrapAgent(
    async (_question: string) => {
      const interaction = currentInteraction();
      ids.push(interaction.id, currentInteraction().id);
      interaction.addTool("search");
      await sleep(1);
      currentInteraction().addTool("calculator");
      currentInteraction().addSource({ id: "doc-1" });
      interaction.set({ reference: "42", metadata: { a: 1 } });
      interaction.set({ model: "m", metadata: { b: 2 } });
      return { answer: "42", toolsUsed: ["planner"] };
    },
    { ...options, model: "other", metadata: { c: 3 } },
  );
  await ask("inside");
  expect(ids[0]).toBe(ids[1]);
  expect(await record("inside")).toMatchObject({
    interactionId: ids[0],
    toolsUsed: ["planner", "search", "calculator"],
    sources: [{ id: "doc-1" }],
    reference: "42",
    model: "m",
    metadata: { a: 1, b: 2, c: 3 },
  });
  expect((await record("inside"))?.flags).toBeUndefined();
});

it("does nothing outside a call, and nothing after it", async () => {
  expect(currentInteraction().id).toBeUndefined();
  currentInteraction().addTool("nobody's");
  currentInteraction().addSource({ id: "nobody's" });
  currentInteraction().set({ reference: "nobody's" });
  let late = currentInteraction();
  wrapAgent((_question: string) => {
    late = currentInteraction();
    return "x";
  }, options)("late");
  late.addTool("too late");
  late.set({ reference: "too late" });
  const found = await record("late");
  expect(late.id).toBe(found?.interactionId);
  expect(found?.toolsUsed).toEqual([]);
  expect(found?.reference).toBeUndefined();
});

it("tells the stored id to work that an agent leaves running after its end", async () => {
  let later: Promise<string | undefined> | undefined;
  wrapAgent((_question: string) => {
    later = sleep(1).then(() => currentInteraction().id);
    return "x";
  }, options)("left running");
  expect(await later).toBe((await record("left running"))?.interactionId);
});

it("gives nested calls their own tools and the outer one its own again", async () => {
  const inner = wrapAgent(async (_question: string) => {
    currentInteraction().addTool("inner tool");
    await sleep(1);
    return "i";
  }, options);
  const outer = wrapAgent(async (_question: string) => {
    await inner("nested inner");
    currentInteraction().addTool("outer tool");
    return "o";
  }, options);
  await outer("nested outer");
  expect((await record("nested inner"))?.toolsUsed).toEqual(["inner tool"]);
  expect((await record("nested outer"))?.toolsUsed).toEqual(["outer tool"]);
});

it("keeps parallel sessions apart, and lets an inner one add to the outer", async () => {
  const ask = wrapAgent(async (_question: string) => {
    await sleep(Math.random() * 5);
    currentInteraction().addTool(`tool of ${_question}`);
    return "x";
  }, options);
  const names = Array.from({ length: 20 }, (_, i) => `parallel ${i}`);
  await Promise.all(names.map((name) => withSession({ sessionId: name }, () => ask(name))));
  for (const name of names) {
    expect(await record(name)).toMatchObject({ sessionId: name, toolsUsed: [`tool of ${name}`] });
  }
  await withSession({ sessionId: "s", userId: "u" }, () => withSession({ sessionId: "t" }, () => ask("both")));
  const both = await record("both");
  expect(both?.sessionId).toBe("t");
  expect(both?.userId).toBeTruthy();
  await ask("alone");
  expect((await record("alone"))?.sessionId).toBeUndefined();
});

it("runs every step of a generator in its own call, whoever iterates", async () => {
  const ask = wrapAgent(async function* (question: string) {
    currentInteraction().addTool(`first of ${question}`);
    yield "a";
    await sleep(1);
    currentInteraction().addTool(`second of ${question}`);
    yield "b";
  }, options);
  const left = withSession({ sessionId: "left" }, () => ask("left"));
  const right = ask("right");
  await Promise.all([collect(left), withSession({ sessionId: "reader's" }, () => collect(right))]);
  expect(await record("left")).toMatchObject({ sessionId: "left", toolsUsed: ["first of left", "second of left"] });
  expect((await record("right"))?.toolsUsed).toEqual(["first of right", "second of right"]);
  expect((await record("right"))?.sessionId).toBeUndefined();
});

it("does not leak a call into the code that reads its stream", async () => {
  const inside: (string | undefined)[] = [];
  const pulls: (string | undefined)[] = [];
  const ask = wrapAgent(
    (_question: string) =>
      new ReadableStream<string>(
        {
          pull(controller) {
            pulls.push(currentInteraction().id);
            controller.enqueue("x");
            if (pulls.length === 2) controller.close();
          },
        },
        { highWaterMark: 0 },
      ),
    options,
  );
  for await (const _ of ask("pulled")) inside.push(currentInteraction().id);
  const id = (await record("pulled"))?.interactionId;
  expect(inside).toEqual([undefined, undefined]);
  expect(pulls).toEqual([id, id]);
});

it("leaves other people's storages alone", async () => {
  const theirs = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const ask = wrapAgent(async (_question: string) => {
    seen.push(theirs.getStore());
    await sleep(1);
    seen.push(theirs.getStore());
    return "x";
  }, options);
  await theirs.run("request 7", async () => {
    await withSession({ sessionId: "s" }, () => ask("stores"));
    seen.push(theirs.getStore());
  });
  expect(seen).toEqual(["request 7", "request 7", "request 7"]);
});
