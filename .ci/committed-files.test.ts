import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, sep } from "node:path";
import { expect, it } from "vitest";
import { projectFiles, root } from "./workspace.js";

const files = projectFiles();

it("names no folder of the machine it was written on", () => {
  const folders = [root, `${homedir()}${sep}`, join(root, "..", "shared")];
  const found = files.flatMap((file) => {
    const text = readFileSync(join(root, file), "utf8");
    return folders.filter((folder) => text.includes(folder)).map((folder) => `${file} names ${folder}`);
  });
  expect(found).toEqual([]);
});

it("locks versions and checksums, and leaves the choice of registry to whoever installs", () => {
  const lock = readFileSync(join(root, "pnpm-lock.yaml"), "utf8");
  expect(lock.match(/\btarball:.*|\bregistry:.*|https?:\/\/registry\S*/gi)).toBeNull();
  expect(files.filter((file) => /(^|\/)(package-lock\.json|yarn\.lock|bun\.lockb?|\.npmrc)$/.test(file))).toEqual([]);
});

it("holds no build output, no data folder and no file that is too large to read", () => {
  expect(files.filter((file) => /(^|\/)(dist|node_modules|coverage|\.whetstone)\//.test(file))).toEqual([]);
  expect(files.filter((file) => readFileSync(join(root, file)).byteLength > 1_000_000)).toEqual([]);
});

it("holds nothing that looks like a key", () => {
  const shapes = [
    /\bsk-(proj-)?[A-Za-z0-9_-]{32,}\b/,
    /\bghp_[A-Za-z0-9]{36}\b/,
    /\bAKIA[0-9A-Z]{16}\b/,
    /\bnpm_[A-Za-z0-9]{36}\b/,
  ];
  const found = files.filter((file) => shapes.some((shape) => shape.test(readFileSync(join(root, file), "utf8"))));
  expect(found).toEqual([]);
});
