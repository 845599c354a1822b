import { hash } from "node:crypto";
import { ConfigError, IndexFlag, type InteractionStore } from "@whetstone/core";
import { answerOf } from "./answer.js";
import { type BuildOptions, checkChoice, checkCount, checkedFormat, checkShare, selection } from "./build-options.js";
import { tally } from "./build-report.js";
import { type DatasetBuild, datasetBuild } from "./dataset-build.js";
import { type SftRow, sftLine } from "./dataset-rows.js";
import { candidateSlices, fetchRecords, SLICE } from "./fetch-records.js";
import { type IndexRows, indexRowsCollector } from "./index-rows.js";
import { keySet } from "./key-set.js";
import { groupByPrompt } from "./prompt-groups.js";

export interface SftOptions extends BuildOptions {
  /** The effective overall is at least this. Default 0.8. */
  readonly minQuality?: number | undefined;
  /** At most so many rows, the newest. */
  readonly maxSamples?: number | undefined;
  /** `messages` (default) or `prompt-completion`; plain strings (`format: "standard"`) are always the latter. */
  readonly mode?: "messages" | "prompt-completion" | undefined;
}

/**
 * Builds rows for supervised fine-tuning out of good answers, oldest first. An answer that repeats an earlier one to
 * the same prompt word for word is left out.
 * @throws ConfigError at once when an option is wrong
 */
export function buildSftDataset(store: InteractionStore, options: SftOptions = {}): DatasetBuild<SftRow> {
  const { minQuality = 0.8, maxSamples = Infinity } = options;
  const { format, controlTokens } = checkedFormat(options);
  const mode = options.mode ?? (format === "standard" ? "prompt-completion" : "messages");
  checkShare("minQuality", minQuality);
  checkCount("maxSamples", maxSamples, 1);
  checkChoice("mode", mode, ["messages", "prompt-completion"]);
  if (format === "standard" && mode === "messages") {
    throw new ConfigError(
      'mode "messages" needs message lists: use format "conversational", or mode "prompt-completion"',
    );
  }
  const filter = selection(options);
  const books = tally("sft");
  const { agentTypes, daysBack } = options;
  const settings = { minQuality, maxSamples, agentTypes, daysBack, mode, format, controlTokens };

  return datasetBuild("sft", settings, books, async function* (signal) {
    const collector = indexRowsCollector(books, minQuality);
    for await (const batch of store.scanIndex(filter)) {
      signal?.throwIfAborted();
      collector.add(batch);
    }
    const index = collector.rows();
    const shape = { mode, format, hasTools: (index.flags & IndexFlag.tools) !== 0 };
    const isRepeat = repeatFinder(index);
    for (const [start, end] of candidateSlices(index.length, SLICE, () => maxSamples - books.rows)) {
      signal?.throwIfAborted();
      const lines: string[] = [];
      const records = await fetchRecords(store, index.refs.subarray(start, end));
      for (const [i, record] of records.entries()) {
        const answer = record ? answerOf(record, { format, controlTokens }) : "gone";
        if (typeof answer === "string") books.drop(answer);
        // Somebody may have given a new score since the index was read.
        else if (answer.score.overall < minQuality) books.drop("belowMinQuality");
        else if (isRepeat(start + i, answer.answer.content)) books.drop("duplicateAnswer");
        else {
          books.use(answer.score.source);
          lines.push(sftLine(answer, shape));
        }
      }
      books.rows += lines.length;
      yield lines;
    }
  });
}

// Most prompts occur once: only the answers of the others are hashed and remembered, in 64 bits each.
function repeatFinder(index: IndexRows): (row: number, text: string) => boolean {
  const { length, starts, members } = groupByPrompt(index);
  const promptOf = new Uint32Array(index.length);
  for (let group = 0; group < length; group++) {
    const start = starts[group] as number;
    const end = starts[group + 1] as number;
    if (end - start < 2) continue;
    for (let i = start; i < end; i++) promptOf[members[i] as number] = group + 1;
  }
  const seen = keySet();
  return (row, text) => {
    const prompt = promptOf[row] as number;
    if (prompt === 0) return false;
    const digest = hash("sha256", `${prompt} ${text.trim()}`, "hex");
    return !seen.add(Number.parseInt(digest.slice(0, 8), 16), Number.parseInt(digest.slice(8, 16), 16));
  };
}
