import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { installedProgram, projectFiles, publishedPackages, readManifest, root } from "./workspace.js";

const files = projectFiles();

describe("the tree", () => {
  it("has the top level that the architecture page draws, and nothing beside it", () => {
    const present = new Set(files.map((file) => file.split("/")[0]));
    expect([...present].sort()).toEqual(
      [
        ".changeset",
        ".ci",
        ".gitignore",
        "CONTRIBUTING.md",
        "LICENSE",
        "README.md",
        "SECURITY.md",
        "benchmarks",
        "biome.json",
        "docs",
        "examples",
        "package.json",
        "packages",
        "pnpm-lock.yaml",
        "pnpm-workspace.yaml",
        "templates",
        "tsconfig.base.json",
        "vitest.config.ts",
        "vitest.workspace.ts",
      ].sort(),
    );
  });

  it("has the six packages and the templates", () => {
    expect(publishedPackages.map(({ folder, manifest }) => `${folder} is ${manifest.name}`)).toEqual([
      "packages/agent-wrappers is @whetstone/agent-wrappers",
      "packages/cli is whetstone",
      "packages/core is @whetstone/core",
      "packages/datasets is @whetstone/datasets",
      "packages/server is @whetstone/server",
      "packages/trainers is @whetstone/trainers",
      "templates is @whetstone/templates",
    ]);
  });

  it("names every file of code after the idea it holds, in kebab-case", () => {
    const drawers = /^(types|utils?|helpers?|common|misc|managers?|constants|interfaces)\./;
    const code = files.filter((file) => /\.[cm]?tsx?$/.test(file));
    expect(code.filter((file) => drawers.test(basename(file)))).toEqual([]);
    expect(code.filter((file) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.[cm]?tsx?$/.test(basename(file)))).toEqual(
      [],
    );
  });

  it("keeps one list of a package's names: no index file but the entry points", () => {
    const entries = new Set(
      publishedPackages.flatMap(({ folder, manifest }) =>
        Object.keys(manifest.exports ?? {}).map((subPath) => join(folder, "src", subPath, "index.ts")),
      ),
    );
    const indexes = files.filter((file) => /^packages\/.*\/index\.ts$/.test(file));
    expect(indexes.filter((file) => !entries.has(file))).toEqual([]);
  });

  it("leaves no task in a comment without the number of its issue", () => {
    const task = /\b(?:TO[D]O|FIX[M]E|X[X]X)\b(?!.*#\d+)/;
    const found = files
      .filter((file) => /\.([cm]?[jt]sx?|hbs|ya?ml|sh|py)$/.test(file))
      .flatMap((file) =>
        linesOf(file).flatMap((line, i) => (task.test(line) ? [`${file}:${i + 1} ${line.trim()}`] : [])),
      );
    expect(found).toEqual([]);
  });

  it("skips and singles out no test for good", () => {
    const found = files
      .filter((file) => /\.test\.ts$/.test(file))
      .flatMap((file) =>
        linesOf(file).flatMap((line, i) =>
          /^\s*(it|test|describe)\.(only|skip|todo)\(/.test(line) ? [`${file}:${i + 1} ${line.trim()}`] : [],
        ),
      );
    expect(found).toEqual([]);
  });
});

describe("the test projects", () => {
  // A vitest that overlooks the list still runs the tests, as one project without a name or its settings.
  const listed = JSON.parse(
    execFileSync(installedProgram("vitest"), ["list", "--filesOnly", "--json"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    }),
  ) as readonly { readonly file: string; readonly projectName?: string }[];

  it("are all found by name", () => {
    const names = new Set(listed.map(({ projectName }) => projectName));
    const expected = ["core", "datasets", "trainers", "agent-wrappers", "server", "cli", "examples", "docs", "house"];
    expect(expected.filter((name) => !names.has(name))).toEqual([]);
    expect(names.has(undefined)).toBe(false);
  });

  it("run every test file that there is", () => {
    const run = new Set(listed.map(({ file }) => relative(root, file)));
    expect(files.filter((file) => file.endsWith(".test.ts") && !run.has(file))).toEqual([]);
  });
});

describe("the versions", () => {
  it("of everything that can be installed are one", () => {
    expect(new Set(publishedPackages.map(({ manifest }) => manifest.version)).size).toBe(1);
  });

  it("move together: one fixed group, and pending changesets that name nothing else", () => {
    const names = publishedPackages.map(({ manifest }) => manifest.name).sort();
    const config = JSON.parse(linesOf(".changeset/config.json").join("\n")) as { readonly fixed: readonly string[][] };
    expect(config.fixed.map((group) => [...group].sort())).toEqual([names]);
    const pending = files.filter((file) => /^\.changeset\/.*\.md$/.test(file));
    const named = pending.flatMap((file) =>
      linesOf(file).flatMap((line) => /^"([^"]+)": (?:patch|minor|major)$/.exec(line)?.[1] ?? []),
    );
    expect(named.filter((name) => !names.includes(name))).toEqual([]);
    expect(pending.length === 0 || named.length > 0).toBe(true);
  });

  it("of Node are the same wherever they are stated", () => {
    const folders = [".", ...publishedPackages.map(({ folder }) => folder)];
    expect(new Set(folders.map((folder) => readManifest(folder).engines?.node))).toEqual(new Set([">=20.19.0"]));
  });
});

function linesOf(file: string): readonly string[] {
  return readFileSync(join(root, file), "utf8").split("\n");
}
