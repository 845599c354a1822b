import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createInteractionLogger } from "./interaction-logger.js";
import { fileStore } from "./stores/file-store.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "whetstone-patched-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What a careless library, a test or a polyfill may have replaced, each by something that throws. */
const PATCHES: readonly (readonly [owner: object, name: PropertyKey])[] = [
  [Object, "keys"],
  [Object, "entries"],
  [Object, "fromEntries"],
  [Object, "getOwnPropertyDescriptor"],
  [Object, "getPrototypeOf"],
  [Object, "defineProperty"],
  [Array, "isArray"],
  [Array.prototype, "push"],
  [Array.prototype, "map"],
  [Array.prototype, "includes"],
  [Array.prototype, Symbol.iterator],
  [Set.prototype, "has"],
  [Map.prototype, "get"],
  [String.prototype, "indexOf"],
  [String.prototype, "slice"],
  [String.prototype, "isWellFormed"],
  [RegExp.prototype, "test"],
  [RegExp.prototype, "exec"],
  [Number, "isFinite"],
  [Math, "min"],
  [Math, "trunc"],
  [Date, "now"],
  [Date.prototype, "toISOString"],
  [JSON, "stringify"],
  [Buffer, "from"],
  [Object.prototype, "toJSON"],
];

it.each(["journal", "sync"] as const)(
  "log does not throw under patched built-ins, and the books balance: %s",
  async (durability) => {
    const store = fileStore(folder);
    const logger = createInteractionLogger({ store, durability, onError: () => undefined });
    const metadata = { list: [1, "two"], day: new Date(0), deep: { ["__proto__"]: "own" } };
    const thrown: string[] = [];
    for (const [owner, name] of PATCHES) {
      const restore = patch(owner, name);
      try {
        logger.log({ query: "What is 6 * 20?", answer: "120", agentType: "math", metadata, userId: "ada" });
      } catch (error) {
        thrown.push(`${String(name)}: ${error instanceof Error ? error.message : "?"}`);
      } finally {
        restore();
      }
    }
    logger.log({ query: "What is 5!?", answer: "120", agentType: "math" });
    await logger.flush();
    const { offered, stored, dropped, queued } = logger.stats();
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    console.log(
      `${PATCHES.length} patched built-ins, ${durability}: offered ${offered}, stored ${stored}, dropped ${lost}`,
    );
    expect(thrown).toEqual([]);
    expect(stored + lost + queued).toBe(offered);
    expect((await store.stats()).totalInteractions).toBe(stored);
    expect(stored).toBeGreaterThan(0);
    await logger.close();
    await store.close();
  },
);

/** Replaces one built-in by a function that throws. What is returned puts it back. */
function patch(owner: object, name: PropertyKey): () => void {
  const { defineProperty, getOwnPropertyDescriptor } = Object;
  const before = getOwnPropertyDescriptor(owner, name);
  const value = () => {
    throw new Error("patched");
  };
  defineProperty(owner, name, { value, configurable: true, writable: true });
  return () => {
    if (before) defineProperty(owner, name, before);
    else Reflect.deleteProperty(owner, name);
  };
}
