import { defineProject } from "vitest/config";
import { patient } from "../vitest.workspace.js";

/** Runs the code of the pages, on the built packages, as a reader would. */
export default defineProject({ test: { ...patient, name: "docs", include: ["**/*.test.ts"] } });
