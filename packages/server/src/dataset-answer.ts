import { DatasetError, snakeKeys, WhetstoneError } from "@whetstone/core";
import { type DatasetBuild, describeReport, pythonLines, type WrittenDataset, writeDataset } from "@whetstone/datasets";
import { checkReplaceable, type DataFolder, type SavePath, saveExists, savePath } from "./data-folder.js";
import type { SaveOptions } from "./dataset-kinds.js";
import { RequestProblem } from "./problem.js";

/** An answer holds no more rows than this, and no more text. */
const MAX_ROWS = 1000;
const MAX_ROW_BYTES = 8 * 1024 * 1024;

/** Where a build is to be saved; null when it is not. @throws RequestProblem before anything is built */
export function saveTarget({ save_to_file, test_share }: SaveOptions, data: DataFolder | null): SavePath | null {
  if (save_to_file === undefined) return null;
  if (!data) throw new RequestProblem(NOTHING_SAVED);
  return savePath(
    save_to_file,
    test_share === undefined ? /\.jsonl$|^[^.]+$/ : /^[^.]+$/,
    '"math/sft.jsonl" or "math-sft" for a folder',
  );
}

/** The whole answer to a build as JSON: the rows when they are few, the books, and where it was saved. */
export async function datasetAnswer(
  build: DatasetBuild<object>,
  target: SavePath | null,
  { overwrite, test_share: testShare }: SaveOptions,
  { data, signal }: { readonly data: DataFolder | null; readonly signal: AbortSignal },
): Promise<string> {
  const kept = keptRows();
  const collecting = collected(build, kept);
  let written: WrittenDataset | null = null;
  if (target && data) {
    written = await data.write(target, async (path) => {
      await checkReplaceable(path, { overwrite: overwrite === true, isFolder: !target.name.endsWith(".jsonl") });
      return writeDataset(collecting, path, { overwrite, testShare, signal }).catch((error: unknown) => {
        throw saveProblem(error, build);
      });
    });
  } else {
    for await (const _ of collecting.lines(signal)) signal.throwIfAborted();
  }
  const { rows: count } = build.report;
  const rows = kept.lines ? pythonLines(Buffer.from(`[${kept.lines.join(",")}]`)).toString() : "null";
  const metadata = JSON.stringify(metadataOf(build, written));
  const savedTo = JSON.stringify(written && target ? target.text : null);
  return `{"dataset":${rows},"count":${count},"saved_to":${savedTo},"metadata":${metadata}}`;
}

interface KeptRows {
  /** Null when there were too many. */
  lines: string[] | null;
  bytes: number;
}

const keptRows = (): KeptRows => ({ lines: [], bytes: 0 });

/** The same build, whose rows are kept as text while somebody else reads them. */
function collected(build: DatasetBuild<object>, kept: KeptRows): DatasetBuild<object> {
  async function* lines(signal?: AbortSignal) {
    for await (const batch of build.lines(signal)) {
      for (const line of batch) keep(line, kept);
      yield batch;
    }
  }
  return Object.create(build, { lines: { value: lines } }) as DatasetBuild<object>;
}

function keep(line: string, kept: KeptRows): void {
  if (!kept.lines) return;
  kept.bytes += line.length;
  if (kept.lines.push(line) > MAX_ROWS || kept.bytes > MAX_ROW_BYTES) kept.lines = null;
}

function metadataOf({ kind, options, report }: DatasetBuild<object>, written: WrittenDataset | null) {
  const drops = Object.entries(report.drops).filter(([, dropped]) => dropped > 0);
  const { considered, used, unused, prompts, promptsUsed } = report;
  return {
    kind,
    options: snakeKeys(options),
    considered,
    used,
    unused,
    prompts,
    prompts_used: promptsUsed,
    drops: snakeKeys(Object.fromEntries(drops)),
    score_sources: report.scoreSources,
    calibrations: report.calibrations,
    top_contributors: report.topContributors.map(snakeKeys),
    files: written?.files ?? null,
  };
}

/** What went wrong while a dataset was saved, without the paths of this machine. */
function saveProblem(error: unknown, build: DatasetBuild<object>): unknown {
  if (!WhetstoneError.isInstance(error)) return error;
  if (error.code === "DATASET_EMPTY") {
    const detail = `There is nothing to save: ${describeReport(build.report)}.`;
    return new RequestProblem({ status: 422, code: error.code, detail });
  }
  if (!DatasetError.isInstance(error) || error.code !== "DATASET_WRITE_FAILED") return error;
  const reason = (error.cause as NodeJS.ErrnoException | undefined)?.code;
  // Without a cause the writer itself refused what it found there.
  return reason === undefined || reason === "EEXIST" || reason === "ENOTEMPTY" ? saveExists() : error;
}

/** Nothing may be saved. */
export const NOTHING_SAVED = {
  status: 400,
  code: "SAVE_OFF",
  detail: "This server has no data folder to save into: leave save_to_file out, or start it with one.",
} as const;
