import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const packageFolders = [...readdirSync(join(root, "packages")).map((name) => join("packages", name)), "templates"];

/**
 * Makes an empty folder that looks like a reader's project: Whetstone and all that its packages use are installed,
 * by links to the built packages, and `bin` holds the commands.
 */
export function openReaderProject(): { readonly folder: string; readonly bin: string } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "whetstone-docs-")));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify({ private: true, type: "module" })}\n`);
  for (const [name, target] of installable()) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(target, link, "junction");
  }
  const bin = join(folder, "node_modules", ".bin");
  mkdirSync(bin);
  symlinkSync(join(root, "packages", "cli", "bin", "whetstone.js"), join(bin, "whetstone"));
  symlinkSync(join(realpathSync(join(root, "node_modules", "tsx")), "dist", "cli.mjs"), join(bin, "tsx"));
  return { folder, bin };
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
  targets.set("@types/node", realpathSync(join(root, "node_modules", "@types", "node")));
  return targets;
}
