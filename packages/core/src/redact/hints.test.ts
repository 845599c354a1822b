import fc from "fast-check";
import { expect, it } from "vitest";
import type { Detector } from "./finding.js";
import { Hint, hintsOf } from "./hints.js";
import { spokenSecret } from "./labelled-secret.js";
import { longNumbers } from "./long-number.js";
import { privateKey } from "./private-key.js";
import { secretToken } from "./secret-token.js";

const finds = (detect: Detector) => (text: string) => {
  const found: unknown[] = [];
  detect(text, found as never);
  return found.length > 0;
};
const DETECTORS: readonly (readonly [keyof typeof Hint, (text: string) => boolean])[] = [
  ["privateKey", finds(privateKey)],
  ["token", finds(secretToken)],
  ["wording", finds(spokenSecret)],
  ["longNumber", (text) => longNumbers(text).length > 0],
];

/** Spelled in parts, so that no scanner of this repository takes a made-up key for a lost one. */
const RANDOM = "a8Kq3ZxP0vLm5RtY7wBn2CdE9fGh4JkS6uVi1XoQ";
const WHOLE = [
  `-----BEGIN ${"PRIVATE"} KEY-----${RANDOM}`,
  ...["AKIA", "ASIA"].map((prefix) => `${prefix}IOSFODNN7EXAMPLE`),
  ...["AIza", "ATATT3", "ya29.", "SG."].map((prefix) => `${prefix}${RANDOM}`),
  `${Buffer.from('{"alg":"HS256"}').toString("base64url")}.${RANDOM}`,
  ...["my password is", "my API key is", "the token is", "the secret is"].map((words) => `${words} ${RANDOM}`),
  ...["Authorization: Bearer", "authorization: bearer", "the bearer Bearer"].map((words) => `${words} ${RANDOM}`),
  ...["12345678", "1 2 3 4 5 6 7 8", "12-34-56-78", "4242 4242 4242 4242"],
];

const part = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...WHOLE) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom(..."0123456789 -AIzKST.eyJ".split(""), " ", "Ł", "─", "😀") },
);

it("whatever a detector finds, its hint was given", () => {
  let found = 0;
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const text = parts.join("");
      const hints = hintsOf(text);
      for (const [hint, isFound] of DETECTORS) {
        if (!isFound(text)) continue;
        found += 1;
        expect(hints & Hint[hint], `${hint} in ${JSON.stringify(text)}`).toBe(Hint[hint]);
      }
    }),
    { numRuns: 3_000 },
  );
  expect(found).toBeGreaterThan(1_000);
});

it("a text without any of it gets none, and one too long to be looked at gets all", () => {
  expect(hintsOf("The library stays open in winter, says the report of 2024.")).toBe(0);
  expect(hintsOf("x".repeat(100_000))).toBe(15);
});
