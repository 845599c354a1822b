import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../errors.js";
import type { InteractionInput } from "../interaction.js";
import { createInteractionLogger, type LoggerOptions } from "../interaction-logger.js";
import { promptKey } from "../prompt-key.js";
import type { InteractionStore } from "../store.js";
import { fileStore } from "../stores/file-store.js";
import { memoryStore } from "../stores/memory-store.js";

let folder: string;
let store: InteractionStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "whetstone-redact-"));
  store = fileStore(folder);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const plain = { query: "Who?", answer: "Ada", agentType: "rag" };

async function logged(input: Partial<InteractionInput>, options: LoggerOptions = {}) {
  const logger = createInteractionLogger({ store, ...options });
  const id = logger.log({ ...plain, ...input });
  await logger.close();
  return { record: await store.get(id), stats: logger.stats() };
}

/** Everything that lies in a folder, as one text. */
function contents(path: string): string {
  if (statSync(path).isFile()) return readFileSync(path, "latin1");
  return readdirSync(path)
    .map((name) => contents(join(path, name)))
    .join("\n");
}

/** A made-up key, different for each number, whose body is easy to look for. */
const plantedKey = (n: number) => {
  const [begin, end] = [`Zq${n}x7`, `Y${n}w8`];
  const body = `${begin}${"aB3dE6gH9kL2".repeat(3)}${end}`;
  const forms = [`sk-proj-${body}`, `ghp_${body}`, `npm_${body}`, `xoxb-${n}23456789012-${body}`, `glpat-${body}`];
  return { begin, end, key: forms[n % forms.length] ?? body };
};

describe.each(["journal", "sync", "memory"] as const)(
  "secrets in every field of a record, durability %s",
  (durability) => {
    it("reach no file of the folder", async () => {
      const planted: string[] = [];
      const plant = () => {
        const { begin, end, key } = plantedKey(planted.length / 2);
        planted.push(begin, end);
        return `use ${key} please`;
      };
      const logger = createInteractionLogger({ store, durability });
      const record = (): InteractionInput => ({
        query: plant(),
        answer: plant(),
        agentType: "rag",
        reference: plant(),
        errorMessage: plant(),
        retrievalMethod: plant(),
        model: plant(),
        variant: plant(),
        toolsUsed: [plant()],
        messages: [
          { role: "system", content: plant() },
          { role: "user", content: [{ type: "text", text: plant() }] },
          {
            role: "assistant",
            content: null,
            tool_calls: [
              {
                id: "c",
                type: "function",
                function: { name: "f", arguments: JSON.stringify({ deep: [{ at: plant() }] }) },
              },
            ],
          },
          { role: "assistant", tool_calls: [{ function: { name: "f", arguments: `{broken ${plant()}` } }] },
          { role: "tool", tool_call_id: "c", content: plant(), name: "f" },
        ],
        tools: [{ type: "function", function: { name: "f", description: plant(), parameters: { default: plant() } } }],
        sources: [{ id: plant(), title: plant(), url: `https://x.org/?q=${plant()}`, text: plant() }],
        metadata: { note: plant(), list: [plant(), { [plant()]: 1 }] },
      });
      for (let i = 0; i < 3; i++) {
        const id = logger.log(record());
        logger.feedback(id, { type: "comment", value: plant() });
        logger.feedback(id, { type: "demonstration", value: plant() });
      }
      await logger.close();

      const written = contents(folder);
      const leaked = planted.filter((piece) => written.includes(piece));
      console.log(`${durability}: planted ${planted.length / 2}, in a file ${leaked.length}`);
      expect(planted.length / 2).toBeGreaterThanOrEqual(60);
      expect(leaked).toEqual([]);
      expect(logger.stats()).toMatchObject({ stored: 3, dropped: {}, feedback: { stored: 6, dropped: 0 } });
      expect(written).toContain("<SECRET_1>");
    });
  },
);

describe("a redacted record", () => {
  it("says which fields were changed, and counts its placeholders through all of them", async () => {
    const { record } = await logged({
      query: "Mail ada@x.org",
      answer: "Done: bob@x.org, ADA@x.org",
      metadata: { from: "bob@x.org" },
    });
    expect(record).toMatchObject({
      query: "Mail <EMAIL_1>",
      answer: "Done: <EMAIL_2>, <EMAIL_1>",
      metadata: { from: "<EMAIL_2>" },
      flags: ["query:redacted", "answer:redacted", "metadata:redacted"],
    });
  });

  it("is the record itself when there is nothing to redact", async () => {
    expect((await logged({ metadata: { n: 1, s: "text" } })).record?.flags).toBeUndefined();
  });

  it("asks the same question as another one that named somebody else", async () => {
    const first = (await logged({ query: "Mail ada@x.org" })).record;
    const second = (await logged({ query: "Mail bob@x.org" })).record;
    if (!first || !second) throw new Error("both are stored");
    expect(promptKey(first)).toBe(promptKey(second));
  });

  it("loses the values that only their names give away", async () => {
    const { record } = await logged({
      metadata: {
        password: "correct-horse",
        card_number: "4242424242424242",
        headers: { Authorization: "Bearer abcdefgh", accept: "*/*" },
        user: "ada",
      },
    });
    expect(record?.metadata).toEqual({
      password: "<SECRET_1>",
      card_number: "<CARD_1>",
      headers: { Authorization: "<SECRET_2>", accept: "*/*" },
      user: "ada",
    });
  });

  it("keeps its ids", async () => {
    const ids = { interactionId: "4242.4242", sessionId: "ada@x.org", groupId: "bob@x.org" };
    const { record } = await logged({ ...ids, sources: [{ id: "mail:ada@x.org", text: "ada@x.org" }] });
    expect(record).toMatchObject({ ...ids, sources: [{ id: "mail:ada@x.org", text: "<EMAIL_1>" }] });
  });
});

describe("the option", () => {
  it("false stores what was handed in", async () => {
    expect((await logged({ query: "ada@x.org" }, { redact: false })).record?.query).toBe("ada@x.org");
  });

  it("an object chooses the kinds", async () => {
    const { record } = await logged({ query: "ada@x.org 460-89-9847" }, { redact: { email: false, ssn: true } });
    expect(record?.query).toBe("ada@x.org <SSN_1>");
  });

  it("a function runs after the built-in detectors", async () => {
    const seen: string[] = [];
    const redact = (text: string) => {
      seen.push(text);
      return text.replace("Lovelace", "<NAME>");
    };
    const { record } = await logged({ query: "Lovelace, ada@x.org" }, { redact });
    expect(record).toMatchObject({ query: "<NAME>, <EMAIL_1>", flags: ["query:redacted"] });
    expect(seen).not.toContain("Lovelace, ada@x.org");
  });

  it("anything else is refused at once", () => {
    expect(() => createInteractionLogger({ store, redact: "yes" as never })).toThrow(ConfigError);
    expect(() => createInteractionLogger({ store, redact: { emails: true } as never })).toThrow("redact.emails");
  });
});

describe.each([
  ["the file store, journal", () => store, "journal"],
  ["the file store, sync", () => store, "sync"],
  ["the memory store", () => memoryStore(), "memory"],
] as const)("a redactor that fails on %s", (_name, open, durability) => {
  it("costs its own record only, counted, and nothing is stored raw", async () => {
    const target = open();
    const redact = (text: string) => {
      if (text.includes("poison")) throw new Error("cannot read this");
      return text;
    };
    const logger = createInteractionLogger({ store: target, durability, redact });
    const drops: string[] = [];
    logger.on("dropped", ({ reason, count }) => drops.push(`${reason} ${count}`));
    for (let i = 0; i < 40; i++) logger.log({ ...plain, query: i % 4 === 0 ? `poison ${i}` : `q ${i}` });
    const id = logger.log({ ...plain, query: "last" });
    logger.feedback(id, { type: "comment", value: "poison" });
    logger.feedback(id, { type: "comment", value: "fine" });
    await logger.close();
    const { offered, stored, queued, queuedBytes, dropped, feedback } = logger.stats();
    console.log(`offered ${offered}, stored ${stored}, dropped ${JSON.stringify(dropped)}`);
    expect({ offered, stored, queued, queuedBytes, dropped }).toEqual({
      offered: 41,
      stored: 31,
      queued: 0,
      queuedBytes: 0,
      dropped: { redactionFailed: 10 },
    });
    expect(feedback).toEqual({ offered: 2, stored: 1, queued: 0, dropped: 1 });
    expect(drops.length).toBeGreaterThan(0);
    expect(contents(folder)).not.toContain("poison");
    if (target !== store) await target.close();
  });

  it("of every record still lets flush end", async () => {
    const target = open();
    const redact = () => {
      throw new Error("always");
    };
    const logger = createInteractionLogger({ store: target, durability, redact });
    for (let i = 0; i < 100; i++) logger.log(plain);
    expect(await logger.flush()).toEqual({ stored: 0, pending: 0, dropped: 100 });
    await logger.close();
    if (target !== store) await target.close();
  });
});
