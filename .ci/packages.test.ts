import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { packed } from "./pack.js";
import { installedProgram, type Manifest, publishedPackages, root } from "./workspace.js";

const names = new Set(publishedPackages.map(({ manifest }) => manifest.name));
const version = publishedPackages[0]?.manifest.version;

describe.each(publishedPackages.map(({ manifest }) => manifest))("the tarball of $name", ({ name }) => {
  let tarball = "";
  let unpacked = "";
  let files: readonly string[] = [];
  let manifest: Manifest;

  beforeAll(() => {
    tarball = packed(inject("tarballs"))[name] ?? "";
    unpacked = mkdtempSync(join(tmpdir(), "whetstone-unpacked-"));
    execFileSync("tar", ["xzf", tarball, "-C", unpacked, "--strip-components=1"]);
    files = readdirSync(unpacked, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(unpacked.length + 1))
      .sort();
    manifest = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8")) as Manifest;
  });

  afterAll(() => rmSync(unpacked, { recursive: true, force: true }));

  it("has nothing that publint would change", async () => {
    const { buffer, byteOffset, byteLength } = readFileSync(tarball);
    const bytes = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
    const { messages, pkg } = await publint({ pack: { tarball: bytes }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it("has types that resolve as its code does, in every module system", () => {
    // attw leaves with an error, and prints its table, when one entry point is wrong in one of them.
    const report = execFileSync(installedProgram("attw"), [tarball, "--format", "ascii", "--no-color", "--no-emoji"], {
      encoding: "utf8",
      stdio: "pipe",
    });
    expect(report).toMatch(name === "@whetstone/templates" ? /does not contain types/ : /No problems found/);
  });

  it("carries a README and the licence", () => {
    expect(files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json"]));
    expect(readFileSync(join(unpacked, "README.md"), "utf8").startsWith(`# ${name}\n`)).toBe(true);
  });

  it("leaves out sources, tests and source maps", () => {
    expect(files.filter((file) => /^src\/|\.test\.|\.map$|tsconfig|tsup|vitest/.test(file))).toEqual([]);
  });

  it("names no path of the machine that built it", () => {
    const tellTale = files.filter((file) => {
      const text = readFileSync(join(unpacked, file), "utf8");
      return [root, join(homedir(), "/")].some((path) => text.includes(path));
    });
    expect(tellTale).toEqual([]);
  });

  it("asks for its siblings by version, and runs nothing while it is being installed", () => {
    const ranges = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies });
    const siblings = ranges.filter(([dependency]) => names.has(dependency));
    expect(siblings.filter(([, range]) => range !== `^${version}`)).toEqual([]);
    expect(ranges.filter(([, range]) => /^(workspace|catalog|link|file):/.test(range))).toEqual([]);
    const installHooks = ["preinstall", "install", "postinstall", "prepare"];
    expect(Object.keys(manifest.scripts ?? {}).filter((script) => installHooks.includes(script))).toEqual([]);
  });

  it("imports the core instead of holding a copy of it", () => {
    const code = files
      .filter((file) => /\.[cm]?js$/.test(file))
      .map((file) => readFileSync(join(unpacked, file), "utf8"));
    const holdsTheCore = code.some((text) => /\bclass WhetstoneError\b|\bWhetstoneError = class\b/.test(text));
    expect(holdsTheCore).toBe(name === "@whetstone/core");
  });
});
