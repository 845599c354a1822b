import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { clusterSplit } from "./split.js";
import { writeDataset } from "./write-dataset.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "whetstone-split-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const WORDS = Array.from({ length: 900 }, (_, i) => `word${i}`);
const user = (content: string) => [{ role: "user", content }];

/** Prompts of 25 words, each with three variants in which one word is another. */
function prompts(count: number): string[][] {
  const texts = fc.sample(fc.array(fc.constantFrom(...WORDS), { minLength: 25, maxLength: 25 }), {
    numRuns: count,
    seed: 3,
  });
  return texts.map((words, i) => [words.join(" "), ...[4, 11, 18].map((at) => words.with(at, `other${i}`).join(" "))]);
}

async function sides(rows: readonly { prompt: unknown }[], testShare: number) {
  const path = join(folder, `set-${testShare}`);
  await writeDataset(rows, path, { testShare });
  const contents = async (name: string) =>
    (await readFile(join(path, name), "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).prompt[0].content as string);
  expect((await readdir(path)).sort()).toEqual(["README.md", "manifest.json", "test.jsonl", "train.jsonl"]);
  return { train: await contents("train.jsonl"), test: new Set(await contents("test.jsonl")) };
}

it("no prompt and no near-duplicate stands on both sides, wherever they come", async () => {
  const families = prompts(400);
  const rows = [0, 1, 2, 3].flatMap((variant) => families.map((family) => ({ prompt: user(family[variant] ?? "") })));
  const { train, test } = await sides([...rows, ...rows], 0.2);
  expect(train.length + [...test].length * 2).toBe(rows.length * 2);
  const parted = families.filter((family) => {
    const held = family.filter((text) => test.has(text)).length;
    return held > 0 && held < family.length;
  });
  expect(parted).toEqual([]);
  expect(test.size / (train.length / 2 + test.size)).toBeGreaterThan(0.15);
  expect(test.size / (train.length / 2 + test.size)).toBeLessThan(0.25);
});

it("a text between two others brings them to one side, also when it comes last", () => {
  const words = WORDS.slice(0, 30);
  const [left, right] = [words.with(2, "left").with(9, "left"), words.with(16, "right").with(23, "right")];
  const split = clusterSplit(0.5);
  for (const text of [left, right, words]) split.add({ prompt: user(text.join(" ")) });
  expect(new Set([0, 1, 2].map((place) => split.isTest(place))).size).toBe(1);
});

it("attempts at one task stand on one side, in every dataset of it", () => {
  const families = prompts(60);
  const sft = clusterSplit(0.5);
  const grpo = clusterSplit(0.5);
  for (const [i, [text = ""]] of families.entries()) {
    sft.add({ messages: user(text), metadata: { group_id: `task ${i % 20}` } });
  }
  for (let task = 0; task < 20; task++) {
    const responses = [task, task + 20, task + 40].map((i) => ({ messages: user(families[i]?.[0] ?? "") }));
    grpo.add({ prompt: [{ role: "system", content: "Help." }], responses, metadata: { group_id: `task ${task}` } });
  }
  const tasks = Array.from({ length: 20 }, (_, task) => task);
  for (const task of tasks) {
    const held = [task, task + 20, task + 40].map((place) => sft.isTest(place));
    expect(held).toEqual([held[0], held[0], held[0]]);
    expect(grpo.isTest(task)).toBe(held[0]);
  }
  expect(new Set(tasks.map((task) => sft.isTest(task))).size).toBe(2);
});

it("what is no near-duplicate stands on the same side whatever else is in the dataset", () => {
  const texts = prompts(200).map(([text = ""]) => text);
  const [all, some] = [clusterSplit(0.3), clusterSplit(0.3)];
  for (const text of texts) all.add({ messages: user(text) });
  for (const text of texts.slice(100)) some.add({ prompt: user(text) });
  for (let i = 0; i < 100; i++) expect(some.isTest(i)).toBe(all.isTest(i + 100));
});
