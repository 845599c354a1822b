import { defineProject } from "vitest/config";
import { fromSource } from "../../vitest.workspace.js";

export default defineProject({ resolve: { alias: fromSource }, test: { name: "cli", include: ["src/**/*.test.ts"] } });
