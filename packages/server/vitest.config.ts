import { defineProject } from "vitest/config";
import { fromSource, patient } from "../../vitest.workspace.js";

export default defineProject({
  resolve: { alias: fromSource },
  test: { ...patient, name: "server", include: ["src/**/*.test.ts"] },
});
