import { defineConfig } from "tsup";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    "openai/index": "src/openai/index.ts",
    "otel/index": "src/otel/index.ts",
    "ai-sdk/index": "src/ai-sdk/index.ts",
    "langchain/index": "src/langchain/index.ts",
    "openai-agents/index": "src/openai-agents/index.ts",
  },
  format: ["esm", "cjs"],
  target: "node20",
  dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
  clean: true,
});
