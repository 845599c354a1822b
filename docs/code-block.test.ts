import { expect, it } from "vitest";
import { codeBlocks } from "./code-block.js";

it("reads language, flags, file name and the line of the fence", () => {
  const page = ["# Title", "", "```ts no-run file=agent.ts", "const a = 1;", "", "a;", "```", "~~~sh run", "ls", "~~~"];
  expect(codeBlocks("page.md", page.join("\n"))).toEqual([
    { page: "page.md", line: 3, language: "ts", flags: ["no-run"], file: "agent.ts", code: "const a = 1;\n\na;\n" },
    { page: "page.md", line: 8, language: "sh", flags: ["run"], file: undefined, code: "ls\n" },
  ]);
});

it("takes the indent of a list item off every line", () => {
  const [block] = codeBlocks("page.md", "1. First\n\n   ```ts\n   if (a) {\n     b();\n   }\n   ```\n");
  expect(block?.code).toBe("if (a) {\n  b();\n}\n");
});

it("keeps a shorter fence inside a longer one", () => {
  const blocks = codeBlocks("page.md", "````text\n```ts\n```\n````\n");
  expect(blocks.map(({ language, code }) => [language, code])).toEqual([["text", "```ts\n```\n"]]);
});

it("names the block that is never closed", () => {
  expect(() => codeBlocks("page.md", "text\n```ts\nlet a;\n")).toThrow("page.md:2: this code block is never closed");
});
