export type { BuildOptions, SelectOptions } from "./build-options.js";
export {
  type BuildReport,
  type DatasetKind,
  type DropReason,
  describeReport,
  type InteractionDrop,
  type PromptDrop,
} from "./build-report.js";
export type { DatasetBuild } from "./dataset-build.js";
export type { DpoRow, GrpoRow, SftCompletionRow, SftMessagesRow, SftMetadata, SftRow, Turns } from "./dataset-rows.js";
export { type DatasetStats, type DatasetStatsOptions, datasetStats } from "./dataset-stats.js";
export { isReplaceableDataset } from "./dataset-target.js";
export { buildDpoDataset, type DpoOptions } from "./dpo.js";
export { buildGrpoDataset, type GrpoOptions } from "./grpo.js";
export { pythonLines } from "./json-lines.js";
export type { FileSummary } from "./jsonl-file.js";
export type { QueryComplexity } from "./query-complexity.js";
export { buildSftDataset, type SftOptions } from "./sft.js";
export { type WriteOptions, type WrittenDataset, writeDataset } from "./write-dataset.js";
