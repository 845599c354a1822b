import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const packageFolders = [...readdirSync(join(root, "packages")).map((name) => join("packages", name)), "templates"];

/** Where the pages are followed. */
export interface ReaderProject {
  readonly folder: string;
  /** The commands that an installation brings. */
  readonly bin: string;
  /** Does in a folder of the project what a page says to begin with. An installation has to name what is linked here. */
  begin(folder: string, commands: string): void;
}

/**
 * Makes an empty folder in which Whetstone and all that its packages use is installed, by links to the built packages.
 * It has no package.json: what the pages say makes one.
 */
export function openReaderProject(): ReaderProject {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "whetstone-docs-")));
  const packages = installable();
  for (const [name, target] of packages) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(target, link, "junction");
  }
  const bin = join(folder, "node_modules", ".bin");
  mkdirSync(bin);
  symlinkSync(join(root, "packages", "cli", "bin", "whetstone.js"), join(bin, "whetstone"));
  symlinkSync(join(realpathSync(join(root, "node_modules", "tsx")), "dist", "cli.mjs"), join(bin, "tsx"));

  return {
    folder,
    bin,
    begin(folder, commands) {
      mkdirSync(folder, { recursive: true });
      for (const command of commands.replace(/#.*/g, "").split(/&&|\n/)) {
        const [program = "", ...args] = command.trim().split(/\s+/);
        if (program === "") continue;
        if (program === "npm" && args[0] === "install") checkInstallable(args.slice(1), packages);
        else execFileSync(program, args, { cwd: folder, stdio: "pipe" });
      }
    },
  };
}

function checkInstallable(args: readonly string[], packages: ReadonlyMap<string, string>): void {
  const missing = args.find((arg) => !arg.startsWith("-") && !packages.has(arg));
  if (missing !== undefined) throw new Error(`A page installs ${missing}, which the reader's project does not have`);
}

/** Our packages, and what they depend on or are tried with. */
function installable(): ReadonlyMap<string, string> {
  const targets = new Map<string, string>();
  for (const folder of packageFolders) {
    const manifest: unknown = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    const { name, dependencies, devDependencies } = manifest as {
      readonly name: string;
      readonly dependencies?: Readonly<Record<string, string>>;
      readonly devDependencies?: Readonly<Record<string, string>>;
    };
    targets.set(name, join(root, folder));
    for (const dependency of Object.keys({ ...dependencies, ...devDependencies })) {
      const installed = join(root, folder, "node_modules", dependency);
      if (existsSync(installed) && !targets.has(dependency)) targets.set(dependency, realpathSync(installed));
    }
  }
  for (const name of ["tsx", "typescript", "@types/node"]) {
    targets.set(name, realpathSync(join(root, "node_modules", name)));
  }
  return targets;
}
