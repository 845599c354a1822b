import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { transform } from "@swc/core";
import { tsImport } from "tsx/esm/api";
import typescript6 from "typescript";
import typescript from "typescript5";
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

// The same API; only the types of its enumerations know the version.
const typescript5 = typescript as unknown as typeof typescript6;

const standard = {};
const legacy = { experimentalDecorators: true, useDefineForClassFields: false };

type Agents = { useDecoratedAgents: typeof useDecoratedAgents };
type Compiled = (title: string) => Promise<Agents>;

/** Compiles the sample and loads what came out of it. */
function by(compile: (source: string) => string | Promise<string>): Compiled {
  return async (title) => {
    const output = await compile(await readFile(sample, "utf8"));
    expect(output).not.toMatch(/@logged/);
    const file = join(folder, `${title.replace(/\W+/g, "-")}.mjs`);
    writeFileSync(file, output);
    return import(pathToFileURL(file).href);
  };
}

type CompilerOptions = { experimentalDecorators?: boolean; useDefineForClassFields?: boolean };

function tsc(ts: typeof typescript6, options: CompilerOptions, target: "ES2022" | "ES2018" = "ES2022"): Compiled {
  const compilerOptions = { target: ts.ScriptTarget[target], module: ts.ModuleKind.ESNext, ...options };
  return by((source) => ts.transpileModule(source, { compilerOptions }).outputText);
}

function esbuild(compilerOptions: CompilerOptions, minify = false): Compiled {
  return by(async (source) => {
    const tsconfigRaw = { compilerOptions };
    return (await transformWithEsbuild(source, sample, { target: "node20", minify, keepNames: minify, tsconfigRaw }))
      .code;
  });
}

function swc(
  how: { legacyDecorator: true; useDefineForClassFields: false } | { decoratorVersion: "2022-03" },
): Compiled {
  return by(async (source) => {
    const parser = { syntax: "typescript", decorators: true } as const;
    const jsc = { target: "es2022", parser, transform: how } as const;
    return (await transform(source, { filename: sample, configFile: false, swcrc: false, jsc })).code;
  });
}

function tsx(compilerOptions: CompilerOptions): Compiled {
  return (title) => {
    const tsconfig = join(folder, `${title.replace(/\W+/g, "-")}.json`);
    writeFileSync(tsconfig, JSON.stringify({ compilerOptions: { target: "ES2022", ...compilerOptions } }));
    return tsImport(pathToFileURL(sample).href, { parentURL: import.meta.url, tsconfig });
  };
}

it.each<[string, Compiled]>([
  ["tsc 5.9", tsc(typescript5, standard)],
  ["tsc 5.9, experimentalDecorators", tsc(typescript5, legacy)],
  ["tsc 6", tsc(typescript6, standard)],
  ["tsc 6, experimentalDecorators", tsc(typescript6, legacy)],
  ["tsc 6, experimentalDecorators to ES2018", tsc(typescript6, legacy, "ES2018")],
  ["esbuild", esbuild(standard)],
  ["esbuild, experimentalDecorators", esbuild(legacy)],
  ["esbuild, minified", esbuild(standard, true)],
  ["swc", swc({ decoratorVersion: "2022-03" })],
  ["swc, legacyDecorator", swc({ legacyDecorator: true, useDefineForClassFields: false })],
  ["tsx", tsx(standard)],
  ["tsx, experimentalDecorators", tsx(legacy)],
])("works as compiled by %s", async (title, compiled) => {
  const { useDecoratedAgents } = await compiled(title);
  const { logger, records } = testLogger();
  expect(await useDecoratedAgents(logged, logger)).toEqual(expectedAgents);
  expect(endings(await records())).toEqual(expectedRecords);
});

it.each([
  ["5.9", typescript5],
  ["6.0", typescript6],
])("type-checks with experimentalDecorators in tsc %s, and refuses fields and getters there too", (version, ts) => {
  expect(ts.versionMajorMinor).toBe(version);
  const { config } = ts.readConfigFile(join(here, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, here);
  const files = [sample, join(here, "src", "logged.test.ts")];
  const program = ts.createProgram(files, { ...options, ...legacy });
  const errors = files.flatMap((file) => ts.getPreEmitDiagnostics(program, program.getSourceFile(file)));
  expect(errors.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
});
