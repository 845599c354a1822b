import { describe, expect, it } from "vitest";
import { cutToWidth, terminalJson, terminalText, textWidth } from "./terminal-text.js";

const HOSTILE = {
  "colours and cursor moves": "\u001b[31mred\u001b[2J",
  "the clipboard sequence": "\u001b]52;c;ZXZpbA==\u0007",
  "a hyperlink": "\u001b]8;;https://evil.example\u001b\\click\u001b]8;;\u001b\\",
  "the eight-bit introducer": "\u009b31mred",
  "a backspace and a bell": "a\u0008b\u0007",
  "delete and null": "a\u007fb\u0000",
  "marks that reorder text": "user\u202egnp.exe\u2066x\u2069",
  "invisible characters": "pay\u200bpal\ufeff",
  "line separators": "a\u2028b\u2029c",
  "a carriage return that overwrites": "safe\rEVIL",
};

describe("terminalText", () => {
  it.each(Object.entries(HOSTILE))("leaves nothing of %s that a terminal obeys", (_name, text) => {
    expect(terminalText(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });

  it("puts text on one line and keeps every visible character", () => {
    expect(terminalText("  two\n\tlines  \r\nand √2 ≠ 日本 👍 ")).toBe("two lines and √2 ≠ 日本 👍");
  });
});

describe("terminalJson", () => {
  it.each(Object.entries(HOSTILE))("escapes %s, and parses back to the same", (_name, text) => {
    const json = terminalJson({ text });
    expect(json).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(JSON.parse(json)).toEqual({ text });
  });

  it("keeps a lone surrogate parsable", () => {
    expect(JSON.parse(terminalJson("\ud83d"))).toBe("\ud83d");
  });
});

describe("cutToWidth", () => {
  it("counts wide scripts and emoji as two columns and combining marks as none", () => {
    expect(textWidth("abc")).toBe(3);
    expect(textWidth("日本")).toBe(4);
    expect(textWidth("👍")).toBe(2);
    expect(textWidth("e\u0301")).toBe(1);
  });

  it("cuts between characters and never beyond the width", () => {
    expect(cutToWidth("short", 10)).toBe("short");
    expect(cutToWidth("0123456789", 5)).toBe("0123…");
    expect(cutToWidth("日本語です", 5)).toBe("日本…");
    expect(cutToWidth("👍👍👍", 4)).toBe("👍…");
  });
});
