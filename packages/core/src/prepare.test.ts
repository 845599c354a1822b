import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interactionSchema } from "./interaction.js";
import { prepareInteraction, toInteraction } from "./prepare.js";
import { FIELDS, snapshot } from "./snapshot.js";

const NOW = Date.UTC(2026, 2, 1);
const plain = { query: "What is 6 * 20?", answer: "120", agentType: "math" };

function prepared(input: Record<string, unknown>) {
  const taken = snapshot({ ...plain, ...input }, NOW);
  if (!taken) throw new Error("no snapshot");
  return toInteraction(taken);
}

describe("any value handed in", () => {
  it("becomes a valid record", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: true,
      withBoxedValues: true,
      withUnicodeString: true,
    } as never);
    const field = fc.oneof(
      anything,
      fc.string({ unit: "binary" }),
      fc.array(anything),
      fc.dictionary(fc.string(), anything),
    );
    const input = fc.record(Object.fromEntries(FIELDS.map((name) => [name, field])), { requiredKeys: [] });
    fc.assert(
      fc.property(input, (value) => {
        const taken = snapshot(value, NOW);
        if (!taken) throw new Error("an object is always readable");
        const record = toInteraction(taken);
        expect(() => interactionSchema.parse(record)).not.toThrow();
        expect(JSON.parse(JSON.stringify(record))).toEqual(record);
        expect(JSON.stringify(record).isWellFormed()).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it.each(FIELDS)("keeps %s where it is the only field", (name) => {
    expect(snapshot({ [name]: "7" }, NOW)?.fields).toEqual({ [name]: "7" });
  });

  it("is never changed and its getters are never called", () => {
    let calls = 0;
    const input = Object.freeze({
      ...plain,
      metadata: Object.freeze({
        get trap() {
          calls += 1;
          throw new Error("touched");
        },
        toJSON() {
          calls += 1;
          return "replaced";
        },
        kept: 1,
      }),
    });
    expect(prepared(input)).toMatchObject({ metadata: { kept: 1 }, flags: ["metadata:changed"] });
    expect(calls).toBe(0);
  });
});

describe("what cannot be kept is flagged", () => {
  it.each([
    [
      "a cycle",
      () => {
        const loop: Record<string, unknown> = { a: 1 };
        loop.self = loop;
        return { metadata: loop };
      },
      { metadata: { a: 1, self: "[Circular]" }, flags: ["metadata:changed"] },
    ],
    ["a BigInt", () => ({ metadata: { n: 12n } }), { metadata: { n: "12" }, flags: ["metadata:changed"] }],
    ["NaN", () => ({ metadata: { n: Number.NaN } }), { metadata: { n: null }, flags: ["metadata:changed"] }],
    [
      "a score out of range",
      () => ({ qualityScores: { overall: 1.5, clarity: 0.5 } }),
      { qualityScores: { clarity: 0.5 }, flags: ["qualityScores.overall:dropped"] },
    ],
    [
      "a score that is a text",
      () => ({ qualityScores: { overall: "0.9" } }),
      { qualityScores: {}, flags: ["qualityScores.overall:dropped"] },
    ],
    ["a lone surrogate", () => ({ answer: "a\ud83db" }), { answer: "a\ufffdb", flags: ["answer:changed"] }],
    [
      "bytes",
      () => ({ metadata: { raw: new Uint8Array(1_000_000) } }),
      { metadata: { raw: "[bytes]" }, flags: ["metadata:changed"] },
    ],
    ["a negative latency", () => ({ latencyMs: -1 }), { latencyMs: 0, flags: ["latencyMs:dropped"] }],
    ["an id with a line feed", () => ({ interactionId: "a\nb" }), { flags: ["interactionId:replaced"] }],
    ["a time after the year 9999", () => ({ timestamp: 1e18 }), { timestamp: NOW, flags: ["timestamp:replaced"] }],
  ])("%s", (_name, make, expected) => {
    expect(prepared(make())).toMatchObject(expected);
  });

  it("minus zero, for which JSON has no word, is zero", () => {
    const record = prepared({ latencyMs: -0, metadata: { "": [-0] }, qualityScores: { overall: -0 } });
    expect(JSON.parse(JSON.stringify(record))).toEqual(record);
    expect(Object.is(record.latencyMs, 0)).toBe(true);
  });

  it("a text of 50 million units is cut, and the rest of it let go", () => {
    const record = prepared({ answer: "x".repeat(50_000_000) });
    expect(record.answer.length).toBe(262_144);
    expect(record.flags).toEqual(["answer:truncated"]);
  });

  it("depth, breadth and shared parts are bounded", () => {
    let deep: unknown = "end";
    for (let i = 0; i < 100_000; i++) deep = { deep };
    let shared: unknown = ["leaf"];
    for (let i = 0; i < 20; i++) shared = [shared, shared];
    const wide = Array.from({ length: 200_000 }, (_, i) => i);
    const keys = Object.fromEntries(Array.from({ length: 1_000_000 }, (_, i) => [`key ${i}`, i]));
    for (const metadata of [{ deep }, { shared }, { wide }, keys]) {
      const record = prepared({ metadata });
      expect(record.flags).toEqual(["metadata:truncated"]);
      expect(JSON.stringify(record).length).toBeLessThan(2_000_000);
    }
  });

  it("__proto__ stays a plain key", () => {
    const record = prepared({ metadata: JSON.parse('{"__proto__": {"polluted": true}, "a": 1}') });
    expect(Object.hasOwn(record.metadata ?? {}, "__proto__")).toBe(true);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(JSON.stringify(record.metadata)).toBe('{"__proto__":{"polluted":true},"a":1}');
  });
});

describe("messages become canonical", () => {
  it("content is a string and arguments are an object", () => {
    const record = prepared({
      messages: [
        { role: "developer", content: "Be exact." },
        {
          role: "user",
          content: [
            { type: "text", text: "What is " },
            { type: "text", text: "6 * 20?" },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "c", type: "function", function: { name: "calc", arguments: '{"e":"6*20"}' } }],
        },
        { role: "tool", content: "120", tool_call_id: "c" },
        { role: "assistant", content: "120" },
      ],
    });
    expect(record.messages).toEqual([
      { role: "system", content: "Be exact." },
      { role: "user", content: "What is 6 * 20?" },
      {
        role: "assistant",
        content: "",
        tool_calls: [{ id: "c", type: "function", function: { name: "calc", arguments: { e: "6*20" } } }],
      },
      { role: "tool", content: "120", tool_call_id: "c" },
      { role: "assistant", content: "120" },
    ]);
    expect(record.flags).toBeUndefined();
  });

  it("broken arguments are kept as text, and that is flagged", () => {
    const record = prepared({
      messages: [{ role: "assistant", tool_calls: [{ function: { name: "calc", arguments: "{6*" } }] }],
    });
    expect(record.messages?.[0]?.tool_calls?.[0]?.function.arguments).toEqual({ input: "{6*" });
    expect(record.flags).toEqual(["messages:changed"]);
  });
});

describe("prepareInteraction", () => {
  it("says in words why a row cannot be a record", () => {
    const reasonOf = (input: unknown) => prepareInteraction(input as never);
    expect(reasonOf("text")).toEqual({ reason: "not a plain object" });
    expect(reasonOf({ query: "q", agentType: "math" })).toEqual({ reason: "answer is missing" });
    expect(reasonOf({ ...plain, query: 7 })).toEqual({ reason: "query is not a text" });
    expect(reasonOf({ ...plain, interactionId: "a b" })).toMatchObject({
      reason: expect.stringContaining('"a b" is not an id'),
    });
    expect(reasonOf({ ...plain, timestamp: "yesterday" })).toMatchObject({
      reason: expect.stringContaining("yesterday"),
    });
  });

  it("takes ISO times and dates", () => {
    for (const timestamp of ["2026-03-01T00:00:00Z", new Date(NOW), NOW]) {
      expect(prepareInteraction({ ...plain, timestamp: timestamp as never })).toMatchObject({
        interaction: { timestamp: NOW },
      });
    }
  });
});
