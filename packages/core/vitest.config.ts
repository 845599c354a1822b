import { defineProject } from "vitest/config";
import { fromSource, patient } from "../../vitest.workspace.js";

export default defineProject({
  resolve: { alias: fromSource },
  test: { ...patient, name: "core", include: ["src/**/*.test.ts"] },
});
