import { defineConfig } from "tsup";

// The build script empties dist first: two configurations that both clean it would remove each other's files.
export default defineConfig([
  {
    entry: { index: "src/index.ts" },
    format: ["esm", "cjs"],
    target: "node20",
    dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
  },
  // Only the bin loads this one, so it needs neither types nor CommonJS.
  { entry: { main: "src/main.ts" }, format: "esm", target: "node20" },
]);
