import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { memoryTable } from "./memory-table.js";
import { scriptTemplate } from "./script-template.js";
import { parseTrainingConfig, trainingConfigSchema } from "./training-config.js";
import { trainingKinds } from "./training-kind.js";
import { generateTrainingScript } from "./training-script.js";

const page = readFileSync(new URL("../../../docs/training.md", import.meta.url), "utf8");

it("names every field of the config, and the numbers that are its defaults", () => {
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  const { learningRate: _, warmupSteps: __, ...defaults } = parseTrainingConfig("sft");
  for (const field of Object.keys(trainingConfigSchema.shape)) {
    const row = rows.find((line) => line.split("|")[1]?.includes(`\`${field}\``));
    expect(row, `docs/training.md has no row for ${field}`).toBeDefined();
    const value = defaults[field as keyof typeof defaults];
    if (typeof value === "number" && field !== "evalBatchSize") expect(row).toContain(String(value));
  }
});

it("has the table that memoryTable prints", () => {
  expect(page).toContain(memoryTable());
});

it("declares the versions that the scripts declare", () => {
  for (const kind of trainingKinds) {
    const ranges = [
      ...generateTrainingScript(kind, { datasetPath: "./d" }).matchAll(
        /^# {3}"((?:trl|transformers|peft|datasets|accelerate)\W.*)",$/gm,
      ),
    ];
    expect(ranges).toHaveLength(5);
    for (const [, range] of ranges) expect(page).toContain(`\`${range}\``);
  }
});

const pins = (name: string) =>
  new Map(
    readFileSync(new URL(`../training-tests/${name}.txt`, import.meta.url), "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split("==") as [string, string]),
  );
const [oldest, newest] = [pins("oldest"), pins("newest")];

it("has a table of the versions that the training tests install", () => {
  const names = { TRL: "trl", PEFT: "peft", PyTorch: "torch" } as const;
  const rows = [...page.matchAll(/^\| (\w+) \| ([\d.]+) \| ([\d.]+) \|$/gm)];
  expect(rows).toHaveLength(7);
  for (const [, title = "", last, first] of rows) {
    const name = names[title as keyof typeof names] ?? title;
    expect([last, first], title).toEqual([newest.get(name), oldest.get(name)]);
  }
});

it("declares ranges whose oldest and newest versions are the ones that the training tests install", () => {
  const ranges = [...scriptTemplate("sft").matchAll(/^# {3}"([a-z]+)>=([\d.]+),<([\d.]+)",$/gm)];
  expect(ranges).toHaveLength(9);
  for (const [, name = "", from = "", below = ""] of ranges) {
    expect(minor(oldest.get(name)), name).toBe(minor(from));
    // The minor version below the bound; a bound of a whole major version makes no such promise.
    if (below.includes("."))
      expect(Number(minor(newest.get(name)).split(".")[1]) + 1).toBe(Number(below.split(".")[1]));
  }
});

const minor = (version = "") => version.split(".").slice(0, 2).join(".");
