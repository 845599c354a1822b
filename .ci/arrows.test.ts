import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fileGraph, findCycle, importedModules } from "./import-graph.js";
import { projectFiles, publishedPackages, root } from "./workspace.js";

/** Who may import whom. `datasets` and `trainers` meet in the dataset folder, never in code. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "@whetstone/core": [],
  "@whetstone/templates": [],
  "@whetstone/datasets": ["@whetstone/core"],
  "@whetstone/agent-wrappers": ["@whetstone/core"],
  "@whetstone/trainers": ["@whetstone/core", "@whetstone/templates"],
  "@whetstone/server": [
    "@whetstone/core",
    "@whetstone/datasets",
    "@whetstone/trainers",
    "@whetstone/agent-wrappers",
    "@whetstone/templates",
  ],
  whetstone: [
    "@whetstone/core",
    "@whetstone/datasets",
    "@whetstone/trainers",
    "@whetstone/agent-wrappers",
    "@whetstone/templates",
    "@whetstone/server",
  ],
};

const isSource = /\.[cm]?[jt]s$/;
const sources = projectFiles().filter((file) => isSource.test(file));
const packageNames = new Set(publishedPackages.map(({ manifest }) => manifest.name));

describe("the arrows between packages", () => {
  it("are stated here for every published package", () => {
    expect([...packageNames].sort()).toEqual(Object.keys(allowed).sort());
  });

  it("form no cycle", () => {
    const graph = new Map(Object.entries(allowed).map(([name, targets]) => [name, new Set(targets)]));
    expect(findCycle(graph)).toBeUndefined();
  });

  it.each(publishedPackages)("$manifest.name imports only what stands on its left", ({ folder, manifest }) => {
    const own = sources.filter((file) => file.startsWith(`${folder}/`));
    const strays = own.flatMap((file) =>
      packagesImportedBy(file)
        .filter((name) => name !== manifest.name && !(allowed[manifest.name] ?? []).includes(name))
        .map((name) => `${file} imports ${name}`),
    );
    expect(strays).toEqual([]);
  });

  it.each(publishedPackages)("$manifest.name declares only what it may import", ({ manifest }) => {
    const declared = Object.keys({
      ...manifest.dependencies,
      ...manifest.peerDependencies,
      ...manifest.devDependencies,
    }).filter((name) => packageNames.has(name));
    expect(declared.filter((name) => !(allowed[manifest.name] ?? []).includes(name))).toEqual([]);
  });
});

describe("the imports between files", () => {
  // Type-only imports count as well: they are erased, but a reader who follows them walks in the same circle.
  it.each(publishedPackages.map(({ folder }) => folder))("%s has no import cycle", (folder) => {
    expect(findCycle(fileGraph(sources.filter((file) => file.startsWith(`${folder}/`))))).toBeUndefined();
  });

  it("stay inside their package, so that every arrow is visible as a package name", () => {
    const crossings = [...fileGraph(sources.filter((file) => /^(packages|templates)\//.test(file)))].flatMap(
      ([file, targets]) =>
        [...targets].filter((target) => packageOf(target) !== packageOf(file)).map((target) => `${file} -> ${target}`),
    );
    expect(crossings).toEqual([]);
  });
});

describe("the walk itself", () => {
  it("sees every way to import", () => {
    const text = `
      import a from "a"; import type { B } from "b"; export * from "c"; export type { D } from "d";
      const e = await import("e"); const f = require("f"); let g: import("g").G; import h = require("h");
      // import "not-this"`;
    expect(importedModules("all.ts", text)).toEqual(["a", "b", "c", "d", "e", "f", "g", "h"]);
  });

  it("names the cycle it finds", () => {
    const graph = new Map(Object.entries({ a: ["b"], b: ["c"], c: ["b"], d: [] }).map(([k, v]) => [k, new Set(v)]));
    expect(findCycle(graph)).toEqual(["b", "c", "b"]);
  });
});

function packagesImportedBy(file: string): readonly string[] {
  return importedModules(file, readFileSync(join(root, file), "utf8")).flatMap((name) => {
    const owner = name.startsWith("@") ? name.split("/").slice(0, 2).join("/") : (name.split("/")[0] ?? name);
    return packageNames.has(owner) ? [owner] : [];
  });
}

function packageOf(file: string): string | undefined {
  return publishedPackages.find(({ folder }) => file.startsWith(`${folder}/`))?.manifest.name;
}
