import { defineProject } from "vitest/config";
import { fromSource } from "../../vitest.workspace.js";

export default defineProject({ resolve: { alias: fromSource }, test: { name: "core", include: ["src/**/*.test.ts"] } });
