import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createJsonl, type FileSummary, saying } from "./jsonl-file.js";
import { clusterSplit } from "./split.js";

/** The data files of a dataset folder. */
export interface DataFiles {
  write(lines: readonly string[]): Promise<void>;
  /** Writes the rest and says what the files are, train.jsonl first. */
  finish(): Promise<Readonly<Record<string, FileSummary>>>;
  abandon(): Promise<void>;
}

/** Begins train.jsonl, and test.jsonl when there is a share for it. */
export async function dataFiles(folder: string, testShare: number | undefined): Promise<DataFiles> {
  if (testShare !== undefined) return splitFiles(folder, testShare);
  const train = await createJsonl(join(folder, "train.jsonl"));
  return {
    write: (lines) => train.write(lines),
    finish: async () => ({ "train.jsonl": await train.finish() }),
    abandon: () => train.abandon(),
  };
}

// A late row can bring two clusters together, so a row's side is known only after the last one: until then all of them
// stand in one file, which is parted at the end.
async function splitFiles(folder: string, testShare: number): Promise<DataFiles> {
  const path = join(folder, "rows.jsonl");
  const open = [await createJsonl(path)];
  const split = clusterSplit(testShare);
  return {
    async write(lines) {
      for (const line of lines) split.add(JSON.parse(line));
      await open[0]?.write(lines);
    },
    async finish() {
      await open[0]?.finish();
      const [train, test] = [
        await createJsonl(join(folder, "train.jsonl")),
        await createJsonl(join(folder, "test.jsonl")),
      ];
      open.push(train, test);
      let place = 0;
      for await (const lines of linesOf(path)) {
        const kept: string[] = [];
        const held: string[] = [];
        for (const line of lines) {
          (split.isTest(place) ? held : kept).push(line);
          place += 1;
        }
        await train.write(kept);
        await test.write(held);
      }
      const files = { "train.jsonl": await train.finish(), "test.jsonl": await test.finish() };
      await saying(path, rm(path));
      return files;
    },
    async abandon() {
      for (const file of open) await file.abandon();
    },
  };
}

async function* linesOf(path: string): AsyncGenerator<readonly string[]> {
  let rest = "";
  for await (const chunk of createReadStream(path, { encoding: "utf8", highWaterMark: 512 * 1024 })) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield lines;
  }
}
