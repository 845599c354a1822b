import { defineProject } from "vitest/config";
import { fromSource, patient } from "../../vitest.workspace.js";

/** The decorator's own tests once more, in the dialect of `experimentalDecorators`. */
export default defineProject({
  resolve: { alias: fromSource },
  esbuild: { tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields: false } } },
  test: { ...patient, name: "agent-wrappers-legacy", include: ["src/logged.test.ts"] },
});
