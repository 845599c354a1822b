import fc from "fast-check";
import { expect, it } from "vitest";
import { splitLines } from "./split-lines.js";

async function linesOf(chunks: Iterable<Buffer>) {
  const lines: string[] = [];
  const source = (async function* () {
    yield* chunks;
  })();
  for await (const { bytes } of splitLines(source)) lines.push(String(bytes));
  return lines;
}

it("gives the same lines however the bytes arrive", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "binary" }).map((text) => text.replaceAll("\n", ""))),
      fc.boolean(),
      fc.array(fc.nat({ max: 40 })),
      async (lines, endsWithNewline, cuts) => {
        const text = lines.join("\n") + (endsWithNewline && lines.length > 0 ? "\n" : "");
        const bytes = Buffer.from(text);
        const chunks: Buffer[] = [];
        let start = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(start, start + cut));
          start += cut;
        }
        chunks.push(bytes.subarray(start));
        const expected = Buffer.from(text).toString().split("\n");
        if (expected.at(-1) === "") expected.pop();
        expect(await linesOf(chunks)).toEqual(expected);
      },
    ),
  );
});

it("numbers lines from 1 and says which one no newline ends", async () => {
  const source = (async function* () {
    yield Buffer.from("a\n\nb");
  })();
  const lines = [];
  for await (const { number, ended } of splitLines(source)) lines.push([number, ended]);
  expect(lines).toEqual([
    [1, true],
    [2, true],
    [3, false],
  ]);
});
