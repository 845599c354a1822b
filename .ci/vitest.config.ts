import { defineProject } from "vitest/config";
import { patient } from "../vitest.workspace.js";

/** Checks of the house itself, on the built packages. */
export default defineProject({
  test: {
    ...patient,
    name: "house",
    include: ["**/*.test.ts"],
    globalSetup: "./pack.ts",
  },
});
