import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";
import { transformWithEsbuild } from "vite";
import { afterAll, expect, it } from "vitest";
import type { useDecoratedAgents } from "../fixtures/decorated-agents.js";
import { expectedAgents, expectedRecords } from "../fixtures/expected-agents.js";
import { logged } from "./logged.js";
import { endings, testLogger } from "./test-logger.js";

const here = fileURLToPath(new URL("..", import.meta.url));
const sample = join(here, "fixtures", "decorated-agents.ts");
const folder = mkdtempSync(join(tmpdir(), "decorated-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const standard = {};
const legacy = { experimentalDecorators: true, useDefineForClassFields: false };

function tsc(options: ts.CompilerOptions) {
  return (source: string) =>
    ts.transpileModule(source, {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, ...options },
    }).outputText;
}

function esbuild(compilerOptions: typeof legacy | typeof standard, minify = false) {
  return async (source: string) =>
    (
      await transformWithEsbuild(source, sample, {
        target: "node20",
        minify,
        keepNames: minify,
        tsconfigRaw: { compilerOptions },
      })
    ).code;
}

it.each<[string, (source: string) => string | Promise<string>]>([
  ["tsc", tsc(standard)],
  ["tsc, experimentalDecorators", tsc(legacy)],
  ["tsc, experimentalDecorators to ES2018", tsc({ ...legacy, target: ts.ScriptTarget.ES2018 })],
  ["esbuild", esbuild(standard)],
  ["esbuild, experimentalDecorators", esbuild(legacy)],
  ["esbuild, minified", esbuild(standard, true)],
])("works as compiled by %s", async (title, compile) => {
  const output = await compile(await readFile(sample, "utf8"));
  expect(output).not.toMatch(/@logged/);
  const file = join(folder, `${title.replace(/\W+/g, "-")}.mjs`);
  writeFileSync(file, output);
  const compiled: { useDecoratedAgents: typeof useDecoratedAgents } = await import(pathToFileURL(file).href);
  const { logger, records } = testLogger();
  expect(await compiled.useDecoratedAgents(logged, logger)).toEqual(expectedAgents);
  expect(endings(await records())).toEqual(expectedRecords);
});

it("type-checks with experimentalDecorators, and refuses fields and getters there too", () => {
  const { config } = ts.readConfigFile(join(here, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, here);
  const files = [sample, join(here, "src", "logged.test.ts")];
  const program = ts.createProgram(files, { ...options, ...legacy });
  const errors = files.flatMap((file) => ts.getPreEmitDiagnostics(program, program.getSourceFile(file)));
  expect(errors.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
}, 120_000);
