import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import ts from "typescript";
import { root } from "./workspace.js";

/** What each node points at. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * The module names that a TypeScript or JavaScript file asks for: `import`, `export … from`, `import()`,
 * `require()` and `import("…")` types. Type-only imports are among them.
 */
export function importedModules(fileName: string, text: string): readonly string[] {
  const source = ts.createSourceFile(fileName, text, ts.ScriptTarget.Latest, false);
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    const name = moduleNameOf(node);
    if (name) names.push(name);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

/** The imports between files, each file named by its path from the root; modules from elsewhere are left out. */
export function fileGraph(files: readonly string[]): Graph {
  const known = new Set(files);
  return new Map(
    files.map((file) => {
      const imports = importedModules(file, readFileSync(join(root, file), "utf8"))
        .filter((name) => name.startsWith("."))
        .map((name) => sourceOf(normalize(join(dirname(file), name))))
        .filter((target) => known.has(target));
      return [file, new Set(imports)];
    }),
  );
}

/** The first cycle that a walk meets, as the path that returns to where it began; undefined where there is none. */
export function findCycle(graph: Graph): readonly string[] | undefined {
  const finished = new Set<string>();
  const path: string[] = [];
  const walk = (node: string): readonly string[] | undefined => {
    if (finished.has(node)) return undefined;
    const seenAt = path.indexOf(node);
    if (seenAt >= 0) return [...path.slice(seenAt), node];
    path.push(node);
    for (const next of graph.get(node) ?? []) {
      const cycle = walk(next);
      if (cycle) return cycle;
    }
    path.pop();
    finished.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = walk(node);
    if (cycle) return cycle;
  }
  return undefined;
}

function moduleNameOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literalText(node.moduleSpecifier);
  if (ts.isExternalModuleReference(node)) return literalText(node.expression);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return literalText(node.argument.literal);
  if (!ts.isCallExpression(node)) return undefined;
  const isRequire = ts.isIdentifier(node.expression) && node.expression.text === "require";
  const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword;
  return isRequire || isImport ? literalText(node.arguments[0]) : undefined;
}

function literalText(node: ts.Node | undefined): string | undefined {
  return node && ts.isStringLiteralLike(node) ? node.text : undefined;
}

/** NodeNext names the output in an import; the source beside it has another ending. */
function sourceOf(path: string): string {
  const source = path.replace(/\.([cm]?)js$/, ".$1ts");
  return source !== path && existsSync(join(root, source)) ? source : path;
}
