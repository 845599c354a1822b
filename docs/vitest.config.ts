import { defineProject } from "vitest/config";

/** Runs the code of the pages, on the built packages, as a reader would. */
export default defineProject({ test: { name: "docs", include: ["**/*.test.ts"] } });
