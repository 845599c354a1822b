import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, describe, expect, it } from "vitest";
import { type CodeBlock, codeBlocks } from "./code-block.js";
import { openReaderProject } from "./reader-project.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const tsx = pathToFileURL(join(root, "node_modules", "tsx", "dist", "loader.mjs")).href;

/** What a block may be; a language that is not here would be printed and never looked at. */
const allowed = ["ts", "ts no-run", "sh", "sh curl", "sh run", "json", "jsonc", "text", "mermaid", "python"];

const { folder: project, bin, begin } = openReaderProject();
afterAll(() => rmSync(project, { recursive: true, force: true }));

const pages = pagesWithCode().map((page) => ({
  page,
  folder: join(project, page.replace(/[^\w.-]/g, "_")),
  blocks: codeBlocks(page, readFileSync(join(root, page), "utf8")),
}));
beginProjects();
const typeErrors = checkTypes();

// A page is read from the top: its blocks share a folder, and what one writes the next may read.
describe.each(pages.filter(({ blocks }) => blocks.length > 0))("$page", ({ folder, blocks }) => {
  it.each(blocks.map((block) => [`${block.page}:${block.line} ${kindOf(block)}`, block] as const))(
    "%s",
    async (_title, block) => {
      expect(allowed, "this kind of block is not known to the tests of the docs").toContain(kindOf(block));
      if (block.language === "json") JSON.parse(block.code);
      if (block.language === "ts") expect(typeErrors.get(pathOf(folder, block)) ?? []).toEqual([]);
      if (block.file && block.language !== "ts") write(join(folder, block.file), block.code);
      if (block.file) return;
      if (kindOf(block) === "ts") await run(process.execPath, ["--import", tsx, pathOf(folder, block)], folder);
      if (kindOf(block) === "sh run") await run("bash", ["--norc", "-euo", "pipefail", "-c", block.code], folder);
    },
    120_000,
  );
});

it("reads the pages that a user reads first", () => {
  expect(pages.map(({ page }) => page)).toEqual(expect.arrayContaining(["README.md", "packages/cli/README.md"]));
});

it("says on the pages that a user reads first how a new project begins", () => {
  const first = pages.filter(({ page }) => /^(?:README|docs.getting-started|packages.*README)\.md$/.test(page));
  expect(first.map(({ page, blocks }) => [page, beginning(blocks) !== undefined])).toEqual(
    first.map(({ page }) => [page, true]),
  );
});

/** The commands of a page that make a new project. */
function beginning(blocks: readonly CodeBlock[]): string | undefined {
  return blocks.find(({ language, code }) => language === "sh" && code.includes("npm init"))?.code;
}

/** Each page that says how to begin has a project of its own; the others go on in that of "Getting started". */
function beginProjects(): void {
  for (const { page, folder, blocks } of pages) {
    const commands = beginning(blocks);
    if (commands === undefined) continue;
    begin(folder, commands);
    if (page === join("docs", "getting-started.md")) begin(project, commands);
  }
}

function pagesWithCode(): readonly string[] {
  const docs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).map((path) => join("docs", path));
  const readmes = [
    ...readdirSync(join(root, "packages")).map((name) => join("packages", name, "README.md")),
    ...readdirSync(join(root, "examples")).map((name) => join("examples", name, "README.md")),
    join("templates", "README.md"),
    join("benchmarks", "README.md"),
  ];
  return ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...readmes, ...docs.sort()].filter((page) => {
    return page.endsWith(".md") && !page.includes("node_modules") && ts.sys.fileExists(join(root, page));
  });
}

function kindOf({ language, flags }: CodeBlock): string {
  return [language, ...flags].join(" ");
}

function pathOf(folder: string, block: CodeBlock): string {
  return join(folder, block.file ?? `line-${block.line}.ts`);
}

/** Writes every TypeScript block as a module of its own and checks all of them at once, by file. */
function checkTypes(): ReadonlyMap<string, readonly string[]> {
  const written = new Map<string, CodeBlock>();
  for (const { folder, blocks } of pages) {
    mkdirSync(folder, { recursive: true });
    for (const block of blocks.filter(({ language }) => language === "ts")) {
      write(pathOf(folder, block), block.code);
      written.set(pathOf(folder, block), block);
    }
  }
  const program = ts.createProgram([...written.keys()], {
    target: ts.ScriptTarget.ES2023,
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    moduleDetection: ts.ModuleDetectionKind.Force,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    noEmit: true,
    types: ["node"],
    typeRoots: [join(project, "node_modules", "@types")],
  });
  const errors = new Map<string, string[]>();
  for (const { file, start = 0, messageText } of ts.getPreEmitDiagnostics(program)) {
    const block = file && written.get(file.fileName);
    if (!file || !block) throw new Error(ts.flattenDiagnosticMessageText(messageText, "\n"));
    const line = block.line + 1 + file.getLineAndCharacterOfPosition(start).line;
    const message = `${block.page}:${line} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    errors.set(file.fileName, [...(errors.get(file.fileName) ?? []), message]);
  }
  return errors;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Runs a block as a reader would: no keys, no settings of this machine, only the commands of the project in front. */
async function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { PATH = "", HOME = cwd, LANG = "C.UTF-8", TMPDIR } = process.env;
  const env = { PATH: `${bin}:${PATH}`, HOME, LANG, ...(TMPDIR ? { TMPDIR } : {}) };
  try {
    const running = promisify(execFile)(program, args, { cwd, env, timeout: 110_000 });
    running.child.stdin?.end();
    await running;
  } catch (error) {
    const { stdout = "", stderr = "", message } = error as { stdout?: string; stderr?: string; message: string };
    throw new Error(`${message}\n${stdout}${stderr}`, { cause: error });
  }
}
