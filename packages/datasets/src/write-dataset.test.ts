import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ConfigError, DatasetError } from "@whetstone/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isReplaceableDataset } from "./dataset-target.js";
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

describe("overwriting a folder", () => {
  const filesIn = async (path: string) => (await readdir(path)).sort();
  const manifest = (files: object) => JSON.stringify({ whetstone_manifest: 1, files });

  it.each([
    ["a manifest of something else", { "manifest.json": '{"manifest_version":3}' }, /manifest\.json/],
    ["a manifest that is no JSON", { "manifest.json": "{" }, /manifest\.json/],
    ["a manifest that is null", { "manifest.json": "null" }, /manifest\.json/],
    ["a manifest of a format to come", { "manifest.json": '{"whetstone_manifest":2,"files":{}}' }, /manifest\.json/],
    ["a manifest that claims a folder", { "manifest.json": manifest({ src: {} }), "src/a.ts": "" }, /manifest\.json/],
    ["notes beside a dataset", { "manifest.json": manifest({ "train.jsonl": {} }), "notes.md": "mine" }, /notes\.md/],
    ["a hidden file", { "manifest.json": manifest({ "train.jsonl": {} }), ".env": "KEY" }, /\.env/],
    ["a test part that is not of the build", { "manifest.json": manifest({}), "test.jsonl": "mine" }, /test\.jsonl/],
    ["a folder by the name of a file", { "manifest.json": manifest({}), "README.md/a.md": "" }, /README\.md/],
  ])("never removes %s", async (_name, files: Readonly<Record<string, string>>, named) => {
    const path = join(folder, "proj");
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(path, name)), { recursive: true });
      await writeFile(join(path, name), text);
    }
    const before = await filesIn(path);
    for (const overwrite of [true, false]) {
      const writing = writeDataset(buildSftDataset(await recorded()), path, { overwrite });
      await expect(writing).rejects.toMatchObject({ code: "DATASET_WRITE_FAILED" });
      await expect(writing).rejects.toThrow(named);
      await expect(writing).rejects.not.toThrow(/overwrite/);
    }
    expect(await filesIn(path)).toEqual(before);
    for (const [name, text] of Object.entries(files)) expect(await readFile(join(path, name), "utf8")).toBe(text);
  });

  it("keeps checkpoints that came up beside a dataset, also while the new one is being built", async () => {
    const path = join(folder, "set");
    await writeDataset([{ text: "old" }], path);
    async function* rows() {
      yield { text: "new" };
      await mkdir(join(path, "checkpoints"));
      await writeFile(join(path, "checkpoints", "model"), "hours of work");
    }
    await expect(writeDataset(rows(), path, { overwrite: true })).rejects.toThrow(/checkpoints/);
    expect(await filesIn(path)).toEqual(["README.md", "checkpoints", "manifest.json", "train.jsonl"]);
    expect(await readFile(join(path, "checkpoints", "model"), "utf8")).toBe("hours of work");
    expect(await rowsOf(join(path, "train.jsonl"))).toEqual([{ text: "old" }]);
    expect(await readdir(folder)).toEqual(["set"]);
  });

  it("takes a test part of the older build away with it", async () => {
    const path = join(folder, "set");
    await writeDataset(buildSftDataset(await recorded()), path, { testShare: 0.5 });
    await writeDataset(buildSftDataset(await recorded()), path, { overwrite: true });
    expect(await filesIn(path)).toEqual(["README.md", "manifest.json", "train.jsonl"]);
    expect(await readdir(folder)).toEqual(["set"]);
  });

  it("refuses a link, and says that it is one", async () => {
    await mkdir(join(folder, "empty"));
    await symlink(join(folder, "empty"), join(folder, "link"));
    const writing = writeDataset([{ text: "a" }], join(folder, "link"), { overwrite: true });
    await expect(writing).rejects.toThrow(/is a symbolic link: name the folder it points to/);
    expect((await readdir(folder)).sort()).toEqual(["empty", "link"]);
  });
});

it("knows what overwrite may replace", async () => {
  await writeDataset([{ text: "a" }], join(folder, "set"));
  await writeDataset([{ text: "a" }], join(folder, "set.jsonl"));
  await mkdir(join(folder, "empty"));
  await mkdir(join(folder, "other"));
  await writeFile(join(folder, "other", "cat.jpg"), "");
  expect(await isReplaceableDataset(join(folder, "set"))).toBe(true);
  expect(await isReplaceableDataset(join(folder, "set.jsonl"))).toBe(true);
  for (const name of ["empty", "other", "gone", "gone.jsonl"]) {
    expect(await isReplaceableDataset(join(folder, name)), name).toBe(false);
  }
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

it.each([5, null, undefined, true, {}])("refuses %j in place of rows", async (rows) => {
  const writing = writeDataset(rows as unknown as object[], join(folder, "x.jsonl"));
  await expect(writing).rejects.toThrow(ConfigError);
  await expect(writing).rejects.toThrow(/rows is .+: give /);
  expect(await readdir(folder)).toEqual([]);
});

it.each([undefined, null, 5, {}])("refuses %j in place of a path", async (path) => {
  const writing = writeDataset([{ text: "a" }], path as unknown as string);
  await expect(writing).rejects.toThrow(ConfigError);
  await expect(writing).rejects.toThrow(/the path is .+: name a \.jsonl file or a folder/);
});

it.each([
  [[5], /row 1 is 5: a row is an object/],
  [[{ text: "a" }, null], /row 2 is null: a row is an object/],
  ["text", /row 1 is "t": a row is an object/],
  [[["a"]], /row 1 is an array: a row is an object/],
])("refuses rows that are no objects: %j", async (rows, message) => {
  const writing = writeDataset(rows as unknown as object[], join(folder, "x.jsonl"));
  await expect(writing).rejects.toMatchObject({ code: "DATASET_INVALID_ROW" });
  await expect(writing).rejects.toThrow(message);
  expect(await readdir(folder)).toEqual([]);
});

it.each(["x.JSONL", "x.json", "x.txt", "x.csv", "x.parquet", "x.jsonl.gz", "x.Jsonl", "x.jsonl/"])(
  "refuses %s, which looks like another kind of file",
  async (name) => {
    const writing = writeDataset([{ text: "a" }], `${folder}/${name}`);
    await expect(writing).rejects.toThrow(ConfigError);
    await expect(writing).rejects.toThrow(/end the name in \.jsonl for one file, or without an ending for a folder/);
    expect(await readdir(folder)).toEqual([]);
  },
);

it.each(["v1.2", "qwen2.5-0.5b", "2026.01", ".hidden", "set/"])("makes a folder of %s", async (name) => {
  await writeDataset([{ text: "a" }], `${folder}/${name}`);
  expect(await rowsOf(join(folder, name, "train.jsonl"))).toEqual([{ text: "a" }]);
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

it("declares a column of somebody else's that is empty at first as whatever comes later", async () => {
  const rows = [
    { prompt: "a", note: null, tools: null },
    { prompt: "b", note: "later", tools: [] },
  ];
  await writeDataset(rows, join(folder, "later"));
  const card = await readFile(join(join(folder, "later"), "README.md"), "utf8");
  expect(card).toContain('  - name: "note"\n    dtype: json\n');
  expect(card).toContain('  - name: "tools"\n    list: json\n');
});
