import { expect, it } from "vitest";
import { memoryStore } from "./memory-store.js";

it("opens", async () => {
  expect((await memoryStore().stats()).totalInteractions).toBe(0);
});
