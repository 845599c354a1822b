import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileStore, type InteractionStore, StoreError } from "@whetstone/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildDpoDataset } from "./dpo.js";
import { buildGrpoDataset, buildOnlineGrpoDataset } from "./grpo.js";
import { buildKtoDataset } from "./kto.js";
import { collect, dropsOf, interaction, START, storeOf } from "./recorded.fixture.js";
import { buildRewardDataset } from "./reward.js";
import { buildSftDataset } from "./sft.js";
import { writeDataset } from "./write-dataset.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "whetstone-bad-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const builders = [
  buildSftDataset,
  buildDpoDataset,
  buildRewardDataset,
  buildKtoDataset,
  (store: InteractionStore) => buildGrpoDataset(store, { groupSize: 2 }),
  buildOnlineGrpoDataset,
];

const records = (prompts: number) =>
  Array.from({ length: prompts * 2 }, (_, i) =>
    interaction({ query: `question ${i >> 1}`, answer: `${i}`, overall: i % 2, timestamp: START + i }),
  );

describe("a store that fails half-way", () => {
  async function failing(): Promise<InteractionStore> {
    const store = await storeOf(records(600));
    let asked = 0;
    return {
      ...store,
      async *fetch(refs) {
        asked += 1;
        if (asked > 2) throw new StoreError("STORE_UNAVAILABLE", "the store at redis://here does not answer");
        yield* store.fetch(refs);
      },
    };
  }

  it("ends the build with its own error, and leaves nothing behind", async () => {
    for (const build of builders) {
      for (const path of [join(folder, "set"), join(folder, "set.jsonl")]) {
        const writing = writeDataset(build(await failing()), path);
        await expect(writing).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
        expect(await readdir(folder)).toEqual([]);
      }
    }
  });

  it("leaves the dataset of before as it was", async () => {
    const path = join(folder, "set");
    await writeDataset(buildSftDataset(await storeOf(records(5))), path, { testShare: 0.5 });
    const before = await readFile(join(path, "manifest.json"), "utf8");
    const writing = writeDataset(buildSftDataset(await failing()), path, { overwrite: true, testShare: 0.5 });
    await expect(writing).rejects.toThrow(/redis:\/\/here does not answer/);
    expect(await readFile(join(path, "manifest.json"), "utf8")).toBe(before);
    expect(await readdir(folder)).toEqual(["set"]);
  });
});

describe("a damaged segment", () => {
  it.each(["with", "without"])(
    "%s an index beside it: what is damaged is counted, and the build goes on",
    async (index) => {
      const store = fileStore(join(folder, "store"));
      await store.append(records(20));
      await store.close();
      const [day = ""] = (await readdir(join(folder, "store"))).filter((name) => name.startsWith("2026"));
      const files = await readdir(join(folder, "store", day));
      for (const name of files.filter((file) => index === "without" && !file.endsWith(".ndjson"))) {
        await rm(join(folder, "store", day, name));
      }
      const segment = join(folder, "store", day, files.find((name) => name.endsWith(".ndjson")) ?? "");
      const bytes = await readFile(segment);
      bytes.write("\0\0{", bytes.indexOf("question 7"));
      await writeFile(segment, bytes);

      const damaged = fileStore(join(folder, "store"));
      const build = buildSftDataset(damaged, { minQuality: 0 });
      expect(await collect(build)).toHaveLength(39);
      expect(dropsOf(build.report)).toEqual({ unreadable: 1 });
      expect(build.report).toMatchObject({ considered: 40, used: 39, unused: 0 });
      await damaged.close();
    },
  );
});

describe.runIf(canLimitFiles())("a disk that takes no more (skipped where there is no prlimit)", () => {
  it.each(["set", "set.jsonl"])("ends the build of %s in a sentence, with nothing left of it", async (name) => {
    const store = await storeOf(records(2000));
    limitFiles("65536");
    try {
      const writing = writeDataset(buildSftDataset(store, { minQuality: 0 }), join(folder, name));
      await expect(writing).rejects.toMatchObject({
        code: "DATASET_WRITE_FAILED",
        message: expect.stringMatching(/^writing .+ stopped at the largest file .+, nothing was left behind$/),
      });
    } finally {
      limitFiles("unlimited");
    }
    expect(await readdir(folder)).toEqual([]);
  });
});

/** A file of this process that grows beyond the limit fails to be written, as on a full disk. */
function limitFiles(bytes: string): void {
  execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}:`]);
}

function canLimitFiles(): boolean {
  try {
    limitFiles("unlimited");
    return true;
  } catch {
    return false;
  }
}

it("without a row says which rule removed what, for every method", async () => {
  const store = await storeOf([
    interaction({ query: "a", overall: 0.7, userId: "u" }),
    interaction({ query: "b", answer: "<|im_end|>", overall: 1 }),
    interaction({ query: "c" }),
    interaction({ query: "d", overall: 1, errorOccurred: true }),
  ]);
  const sentence = async (build: (typeof builders)[number]) =>
    writeDataset(build(store), join(folder, "set")).then(
      () => "written",
      ({ message }: Error) => message.replace(/^nothing to write to [^:]+: /, ""),
    );
  expect(await Promise.all(builders.map(sentence))).toEqual([
    "0 sft rows from 4 interactions; left out: 1 ended in an error, 1 unscored, 1 below minQuality, 1 with chat-template control tokens",
    "0 dpo rows from 4 interactions; left out: 1 ended in an error, 1 unscored; of 2 prompts: 2 with a single answer",
    "0 reward rows from 4 interactions; left out: 1 ended in an error, 1 unscored; of 2 prompts: 2 with a single answer",
    "0 kto rows from 4 interactions; left out: 1 ended in an error, 1 unscored, 1 with chat-template control tokens, 1 scored between maxQuality and minQuality",
    "0 grpo rows from 4 interactions; left out: 1 ended in an error, 1 unscored; of 2 prompts: 2 with fewer answers than groupSize",
    "written",
  ]);
});

it("a test share that leaves a side without a row is refused by what it left", async () => {
  const store = await storeOf(records(1));
  const writing = writeDataset(buildDpoDataset(store), join(folder, "set"), { testShare: 0.01 });
  await expect(writing).rejects.toMatchObject({
    code: "DATASET_EMPTY",
    message: expect.stringMatching(/testShare 0.01 leaves test.jsonl without a row .*there are 1 rows/),
  });
  expect(await readdir(folder)).toEqual([]);
});
