import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { installedProgram, projectFiles, publishedPackages, root } from "./workspace.js";

declare module "vitest" {
  interface ProvidedContext {
    /** The tarball of every published package, by package name. */
    tarballs: Readonly<Record<string, string>>;
  }
}

/** Packs every published package once, as `changeset publish` would, for all checks that look at tarballs. */
export default function packAll(project: TestProject): () => void {
  const stale = publishedPackages.map(({ folder }) => folder).filter(isStale);
  if (stale.length > 0) {
    throw new Error(`The build of ${stale.join(", ")} is missing or older than its sources. Run: npm run build`);
  }

  const destination = mkdtempSync(join(tmpdir(), "whetstone-tarballs-"));
  const filters = publishedPackages.map(({ folder }) => `--filter=./${folder}`);
  execFileSync(installedProgram("pnpm"), ["-r", ...filters, "pack", "--pack-destination", destination], {
    cwd: root,
    stdio: "pipe",
  });

  const packed = readdirSync(destination);
  const tarballs = publishedPackages.map(({ manifest }) => {
    const file = `${manifest.name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`;
    if (!packed.includes(file)) throw new Error(`pnpm pack made no ${file}, only ${packed.join(", ")}`);
    return [manifest.name, join(destination, file)] as const;
  });
  project.provide("tarballs", Object.fromEntries(tarballs));

  return () => rmSync(destination, { recursive: true, force: true });
}

/** Whether a package that has something to build was changed after it was built. */
function isStale(folder: string): boolean {
  const sources = projectFiles().filter((file) => file.startsWith(`${folder}/src/`) && !file.endsWith(".test.ts"));
  if (sources.length === 0) return false;
  const built = join(root, folder, "dist", "index.d.cts");
  if (!existsSync(built)) return true;
  const builtAt = statSync(built).mtimeMs;
  return sources.some((file) => statSync(join(root, file)).mtimeMs > builtAt);
}
