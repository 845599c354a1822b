import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The fields of a package.json that the checks of the house look at. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly engines?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** One package of this workspace; `folder` is relative to the root. */
export interface WorkspacePackage {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** The root of the checkout, without a slash at its end. */
export const root = fileURLToPath(new URL("..", import.meta.url)).replace(/[\\/]$/, "");

/** The packages that a user can install, in the order of the folders. */
export const publishedPackages: readonly WorkspacePackage[] = [
  ...readdirSync(join(root, "packages"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `packages/${entry.name}`),
  "templates",
].map((folder) => ({ folder, manifest: readManifest(folder) }));

/** Reads the package.json of a folder of this checkout. */
export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest;
}

/** The files that git knows, or would know after `git add`: what a fresh clone holds once the work is committed. */
export function projectFiles(): readonly string[] {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root });
  const deleted = execFileSync("git", ["ls-files", "-z", "--deleted"], { cwd: root });
  const gone = new Set(splitAtNul(deleted));
  return [...new Set(splitAtNul(listed))].filter((file) => !gone.has(file)).sort();
}

/** The programs that the workspace installs, such as pnpm, attw and tsc. */
export function installedProgram(name: string): string {
  return join(root, "node_modules", ".bin", name);
}

function splitAtNul(output: Buffer): readonly string[] {
  return output.toString("utf8").split("\0").filter(Boolean);
}
