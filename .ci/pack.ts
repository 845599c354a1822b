import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { installedProgram, projectFiles, publishedPackages, root } from "./workspace.js";

/** The tarball of every published package by package name, or why there is none to check. */
export type Tarballs = Readonly<Record<string, string>> | { readonly missing: string };

declare module "vitest" {
  interface ProvidedContext {
    tarballs: Tarballs;
  }
}

/** Packs every published package once, as publishing would, for all checks that look at tarballs. */
export default function packAll(project: TestProject): () => void {
  const destination = mkdtempSync(join(tmpdir(), "whetstone-tarballs-"));
  project.provide("tarballs", pack(destination));
  return () => rmSync(destination, { recursive: true, force: true });
}

/** What `packAll` made; throws where a build is missing, so that only the checks of tarballs fail for it. */
export function packed(tarballs: Tarballs): Readonly<Record<string, string>> {
  if (typeof tarballs.missing === "string") throw new Error(tarballs.missing);
  return tarballs as Readonly<Record<string, string>>;
}

function pack(destination: string): Tarballs {
  const stale = publishedPackages.map(({ folder }) => folder).filter(isStale);
  if (stale.length > 0) {
    return { missing: `The build of ${stale.join(", ")} is missing or older than its sources. Run: npm run build` };
  }
  const filters = publishedPackages.map(({ folder }) => `--filter=./${folder}`);
  execFileSync(installedProgram("pnpm"), ["-r", ...filters, "pack", "--pack-destination", destination], {
    cwd: root,
    stdio: "pipe",
  });
  return Object.fromEntries(
    publishedPackages.map(({ manifest: { name, version } }) => {
      const file = `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
      return [name, join(destination, file)];
    }),
  );
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
