import { defineConfig } from "tsup";

export default defineConfig({
  entry: { index: "src/index.ts", "testing/index": "src/testing/index.ts" },
  format: ["esm", "cjs"],
  target: "node20",
  dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
  clean: true,
  shims: true,
  // Only the parts that are used, in one file: importing all of zod takes longer than all of ours.
  noExternal: ["zod"],
});
