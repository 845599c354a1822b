import { fileURLToPath } from "node:url";

/** The test projects. `vitest.config.ts` reads this list, for vitest 4 no longer finds the file by itself. */
export default [
  "packages/*/vitest.config.ts",
  "packages/agent-wrappers/vitest.legacy.config.ts",
  "examples/vitest.config.ts",
  "docs/vitest.config.ts",
  ".ci/vitest.config.ts",
];

/** No test passes or fails by time: the limits only end what hangs. */
export const patient = { testTimeout: 300_000, hookTimeout: 120_000 };

/** Makes unit tests run on the packages' sources, so that no build can be stale. */
export const fromSource = [
  { find: /^@whetstone\/core\/testing$/, replacement: source("core", "testing/index.ts") },
  ...["core", "datasets", "trainers", "agent-wrappers", "server"].map((name) => ({
    find: new RegExp(`^@whetstone/${name}$`),
    replacement: source(name, "index.ts"),
  })),
  { find: /^whetstone$/, replacement: source("cli", "index.ts") },
];

function source(name: string, file: string): string {
  return fileURLToPath(new URL(`./packages/${name}/src/${file}`, import.meta.url));
}
