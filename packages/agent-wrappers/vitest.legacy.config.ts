import { defineProject } from "vitest/config";
import { fromSource } from "../../vitest.workspace.js";

/** The decorator's own tests once more, in the dialect of `experimentalDecorators`. */
export default defineProject({
  resolve: { alias: fromSource },
  esbuild: { tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields: false } } },
  test: { name: "agent-wrappers-legacy", include: ["src/logged.test.ts"] },
});
