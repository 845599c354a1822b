import { defineProject } from "vitest/config";

/** Checks of the house itself, on the built packages. */
export default defineProject({
  test: {
    name: "house",
    include: ["**/*.test.ts"],
    globalSetup: "./pack.ts",
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
