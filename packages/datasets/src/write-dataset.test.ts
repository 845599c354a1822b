import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, DatasetError } from "@whetstone/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { buildDpoDataset } from "./dpo.js";
import { buildGrpoDataset } from "./grpo.js";
import { interaction, START, storeOf } from "./recorded.fixture.js";
import { buildSftDataset } from "./sft.js";
import { writeDataset } from "./write-dataset.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "whetstone-datasets-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const recorded = (count = 40) =>
  storeOf(
    Array.from({ length: count }, (_, i) =>
      interaction({
        interactionId: `fixed-${i}`,
        timestamp: START + i,
        query: `What is ${i % 20} + 1?`,
        answer: `${i}`,
        overall: i < 20 ? 1 : 0,
      }),
    ),
  );

const rowsOf = async (path: string) =>
  (await readFile(path, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

it("writes one file, and says what it is", async () => {
  const path = join(folder, "new", "dpo.jsonl");
  const written = await writeDataset(buildDpoDataset(await recorded()), path);
  const bytes = await readFile(path);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  expect(written).toMatchObject({ path, rows: 20, bytes: bytes.length, sha256, report: { kind: "dpo", rows: 20 } });
  expect(await rowsOf(path)).toHaveLength(20);
  expect(await readdir(join(folder, "new"))).toEqual(["dpo.jsonl"]);
});

it("writes rows of any origin", async () => {
  const path = join(folder, "own.jsonl");
  const written = await writeDataset([{ prompt: "a", completion: "b" }], path);
  expect(written).toMatchObject({ rows: 1, report: null });
  expect(await readFile(path, "utf8")).toBe('{"prompt":"a","completion":"b"}\n');
});

it("refuses rows whose columns differ", async () => {
  const path = join(folder, "own.jsonl");
  await expect(writeDataset([{ prompt: "a" }, { text: "b" }], path)).rejects.toMatchObject({
    code: "DATASET_INVALID_ROW",
  });
  expect(await readdir(folder)).toEqual([]);
});

it("writes a folder with a card that declares every column, and a manifest with the books", async () => {
  const path = join(folder, "grpo");
  const store = await recorded();
  const written = await writeDataset(buildGrpoDataset(store, { groupSize: 2 }), path);
  expect((await readdir(path)).sort()).toEqual(["README.md", "manifest.json", "train.jsonl"]);
  const card = await readFile(join(path, "README.md"), "utf8");
  expect(card).toContain("  - split: train\n    path: train.jsonl\n");
  expect(card).toContain('  - name: "prompt"\n    list: json\n  - name: "responses"\n    list: json\n');
  expect(card).toContain('  - name: "metadata"\n    dtype: json\n');
  const manifest = JSON.parse(await readFile(join(path, "manifest.json"), "utf8"));
  expect(manifest).toMatchObject({
    kind: "grpo",
    options: { group_size: 2, max_groups: null, format: "conversational" },
    rows: 20,
    considered: 40,
    used: 40,
    prompts: 20,
    drops: {},
    score_sources: { logged: 40 },
    files: { "train.jsonl": { rows: 20, sha256: written.sha256 } },
  });
});

it("writes the same bytes for the same store and options", async () => {
  const store = await recorded();
  const texts = async (name: string) => {
    const path = join(folder, name);
    await writeDataset(buildDpoDataset(store), path, { testShare: 0.3 });
    return Promise.all((await readdir(path)).sort().map((file) => readFile(join(path, file), "utf8")));
  };
  expect(await texts("one")).toEqual(await texts("two"));
});

it("splits by prompt: none stands on both sides, in whatever dataset", async () => {
  const store = await recorded(400);
  await writeDataset(buildSftDataset(store, { minQuality: 0 }), join(folder, "sft"), { testShare: 0.3 });
  await writeDataset(buildDpoDataset(store), join(folder, "dpo"), { testShare: 0.3 });
  const questions = async (name: string, side: string) =>
    new Set((await rowsOf(join(folder, name, `${side}.jsonl`))).map((row) => (row.messages ?? row.prompt)[0].content));
  const train = new Set([...(await questions("sft", "train")), ...(await questions("dpo", "train"))]);
  const test = new Set([...(await questions("sft", "test")), ...(await questions("dpo", "test"))]);
  expect([...train].filter((question) => test.has(question))).toEqual([]);
  expect(train.size + test.size).toBe(20);
  expect(test.size).toBeGreaterThan(1);
});

it("says which rule removed what when nothing is left, and creates nothing", async () => {
  const store = await storeOf([interaction(), interaction({ query: "b", overall: 1, errorOccurred: true })]);
  const writing = writeDataset(buildDpoDataset(store), join(folder, "deep", "dpo.jsonl"));
  await expect(writing).rejects.toThrow(DatasetError);
  await expect(writing).rejects.toMatchObject({
    code: "DATASET_EMPTY",
    message: `nothing to write to ${join(folder, "deep", "dpo.jsonl")}: 0 dpo rows from 2 interactions; left out: 1 ended in an error, 1 unscored`,
  });
  expect(await readdir(folder)).toEqual([]);
});

it("leaves an existing file alone unless told to replace it", async () => {
  const path = join(folder, "sft.jsonl");
  await writeFile(path, "precious");
  const store = await recorded();
  await expect(writeDataset(buildSftDataset(store), path)).rejects.toMatchObject({
    code: "DATASET_WRITE_FAILED",
    message: expect.stringContaining("overwrite: true"),
  });
  expect(await readFile(path, "utf8")).toBe("precious");
  await writeDataset(buildSftDataset(store), path, { overwrite: true });
  expect(await rowsOf(path)).toHaveLength(20);
  expect(await readdir(folder)).toEqual(["sft.jsonl"]);
});

it("replaces a dataset folder when told to, and never a folder of other files", async () => {
  const store = await recorded();
  const path = join(folder, "set");
  await mkdir(path);
  await writeDataset(buildSftDataset(store), path);
  await expect(writeDataset(buildSftDataset(store), path)).rejects.toThrow(/holds a dataset already/);
  await writeDataset(buildDpoDataset(store), path, { overwrite: true });
  expect((await rowsOf(join(path, "train.jsonl")))[0]).toHaveProperty("chosen");
  expect(await readdir(folder)).toEqual(["set"]);

  const other = join(folder, "photos");
  await mkdir(other);
  await writeFile(join(other, "cat.jpg"), "cat");
  await expect(writeDataset(buildSftDataset(store), other, { overwrite: true })).rejects.toThrow(/no dataset/);
  expect(await readdir(other)).toEqual(["cat.jpg"]);
});

it("does not write through a link", async () => {
  const path = join(folder, "link.jsonl");
  const elsewhere = join(folder, "elsewhere");
  await symlink(elsewhere, path);
  await writeDataset(buildSftDataset(await recorded()), path, { overwrite: true });
  await expect(access(elsewhere)).rejects.toThrow();
  expect(await rowsOf(path)).toHaveLength(20);
});

it.each(["set", "file.jsonl"])("leaves nothing behind at %s when the rows fail half-way", async (name) => {
  async function* failing() {
    for (let i = 0; i < 2000; i++) yield { prompt: `${i}`, completion: "x".repeat(1000) };
    throw new Error("the store went away");
  }
  await expect(writeDataset(failing(), join(folder, name))).rejects.toThrow("the store went away");
  expect(await readdir(folder)).toEqual([]);
});

it.each(["set", "file.jsonl"])("leaves nothing behind at %s when it is aborted", async (name) => {
  const controller = new AbortController();
  let isClosed = false;
  async function* endless() {
    try {
      for (let i = 0; ; i++) {
        if (i === 3000) controller.abort();
        yield { prompt: `${i}` };
      }
    } finally {
      isClosed = true;
    }
  }
  const writing = writeDataset(endless(), join(folder, name), { signal: controller.signal });
  await expect(writing).rejects.toThrow(/abort/);
  expect(isClosed).toBe(true);
  expect(await readdir(folder)).toEqual([]);
});

it("says plainly that a place cannot be written to", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  const store = await recorded();
  await expect(writeDataset(buildSftDataset(store), join(file, "sft.jsonl"))).rejects.toMatchObject({
    code: "DATASET_WRITE_FAILED",
    message: expect.stringContaining("is a file, not a folder"),
  });
  await expect(writeDataset(buildSftDataset(store), file)).rejects.toThrow(/is no folder/);
  await mkdir(join(folder, "folder.jsonl"));
  await expect(writeDataset(buildSftDataset(store), join(folder, "folder.jsonl"))).rejects.toThrow(/is a folder/);
});

it("refuses a test share that leaves one side empty, and leaves nothing behind", async () => {
  const store = await storeOf([interaction({ overall: 1 })]);
  await expect(writeDataset(buildSftDataset(store), join(folder, "set"), { testShare: 0.5 })).rejects.toMatchObject({
    code: "DATASET_EMPTY",
    message: expect.stringMatching(/testShare 0.5 leaves (test|train).jsonl without a row/),
  });
  expect(await readdir(folder)).toEqual([]);
});

it.each([
  ["", {}, /path is empty/],
  ["x.jsonl", { testShare: 0.1 }, /testShare needs a folder/],
  ["x", { testShare: 1 }, /testShare is 1/],
])("refuses wrong options: %s %j", async (path, options, message) => {
  const writing = writeDataset([], path, options);
  await expect(writing).rejects.toThrow(ConfigError);
  await expect(writing).rejects.toThrow(message);
});
