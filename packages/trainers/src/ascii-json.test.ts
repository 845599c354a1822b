import fc from "fast-check";
import { expect, it } from "vitest";
import { asciiJson } from "./ascii-json.js";

const json = fc.jsonValue({ stringUnit: "binary", maxDepth: 3 });

it("is JSON of the same value", () => {
  fc.assert(
    fc.property(json, (value) => {
      expect(JSON.parse(asciiJson(value as never))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

it("has nothing inside its strings that Python's raw strings or our templates would act on", () => {
  const awkward = fc.string({
    unit: fc.constantFrom('"', "\\", "{", "}", "'", "\n", "\r", "\u2028", "é", "😀", "\ud83d"),
  });
  fc.assert(
    fc.property(fc.record({ value: awkward, other: awkward }), (value) => {
      const text = asciiJson(value);
      expect(text).toMatch(/^[\n -~]*$/);
      expect(text).not.toContain('"""');
      expect(text.replace(/\\u[0-9a-f]{4}|\\[bfnrt]/g, "")).not.toContain("\\");
      expect(JSON.parse(text)).toEqual(value);
    }),
  );
});
