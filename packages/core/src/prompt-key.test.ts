import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normaliseText, promptHash, promptKey } from "./prompt-key.js";

const asked = (query: string) => ({ agentType: "math", query });
const hashOf = (prompted: Parameters<typeof promptHash>[0]) => {
  const words = new Uint32Array(2);
  promptHash(prompted, words, 0);
  return `${words[0]} ${words[1]}`;
};

describe("promptKey", () => {
  it("is the same for the same question in other white space or other forms of its characters", () => {
    const key = promptKey(asked("What is ½ of ﬁve?"));
    expect(promptKey(asked("  What is\t½ of\u00a0ﬁve?\n"))).toBe(key);
    expect(promptKey(asked("What is ½ of five?".normalize("NFKC")))).toBe(key);
    expect(key).toMatch(/^[0-9a-f]{32}$/);
  });

  it("differs by agent, case, history and tool call", () => {
    const turns = [
      { role: "user" as const, content: "Q" },
      { role: "assistant" as const, content: "A" },
    ];
    const call = (expression: string) => ({
      ...asked("Q"),
      messages: [
        { role: "user" as const, content: "Q" },
        {
          role: "assistant" as const,
          content: "",
          tool_calls: [{ type: "function" as const, function: { name: "calc", arguments: { expression } } }],
        },
        { role: "assistant" as const, content: "A" },
      ],
    });
    const keys = [
      promptKey(asked("Q")),
      promptKey({ ...asked("Q"), agentType: "code" }),
      promptKey(asked("q")),
      promptKey({ ...asked("Q"), messages: [{ role: "system", content: "Be exact." }, ...turns] }),
      promptKey(call("1+1")),
      promptKey(call("1+2")),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(promptKey({ ...asked("Q"), messages: turns })).toBe(keys[0]);
  });

  it("does not look at the answer, and at the sources only when asked to", () => {
    const with1 = { ...asked("Q"), sources: [{ id: "b" }, { id: "a" }] };
    const with2 = { ...asked("Q"), sources: [{ id: "a" }, { id: "b" }, { id: "b" }] };
    const with3 = { ...asked("Q"), sources: [{ id: "c" }] };
    expect(promptKey(with1)).toBe(promptKey(with3));
    expect(promptKey(with1, { groupBySources: true })).toBe(promptKey(with2, { groupBySources: true }));
    expect(promptKey(with1, { groupBySources: true })).not.toBe(promptKey(with3, { groupBySources: true }));
  });
});

describe("promptHash", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.stringMatching(/^[ \t\na-c.]{0,12}$/),
    fc.stringMatching(/^[ a\u00a0\u2003\ufeffé]{0,8}$/u),
    fc
      .array(fc.constantFrom(..." aé\u0301\u0308ий—“”…•€→漢\u2017\u2003"), { maxLength: 6 })
      .map((parts) => parts.join("")),
  );

  it("is equal exactly where promptKey is equal", () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(hashOf(asked(a)) === hashOf(asked(b))).toBe(promptKey(asked(a)) === promptKey(asked(b)));
        expect(hashOf(asked(normaliseText(a)))).toBe(hashOf(asked(a)));
      }),
      { numRuns: 3_000 },
    );
  });
});

it("no character that is hashed as it stands is changed by NFKC, alone or before another", () => {
  const ranges = [
    [0x20, 0x17f],
    [0x400, 0x4ff],
    [0x2010, 0x2030],
    [0x20a0, 0x20bf],
    [0x2190, 0x2199],
    [0x4e00, 0x9fff],
  ];
  const characters = ranges.flatMap(([from = 0, to = 0]) =>
    Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i)),
  );
  for (const character of characters) {
    for (const text of [character, `e${character}`, `${character}\u0301`, `${character} x`]) {
      expect(hashOf(asked(text))).toBe(hashOf(asked(normaliseText(text))));
    }
  }
});

describe("normaliseText", () => {
  it("is NFKC, trimmed, with single spaces", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (given) => {
        expect(normaliseText(given)).toBe(given.normalize("NFKC").trim().replace(/\s+/gu, " "));
      }),
    );
  });
});
