export type { AnswerOptions, BuildOptions, SelectOptions } from "./build-options.js";
export {
  type BuildReport,
  type DatasetKind,
  type DropReason,
  describeReport,
  type InteractionDrop,
  type PromptDrop,
  type RuleEffect,
  ruleEffects,
} from "./build-report.js";
export type { ContributorCaps, TopContributor } from "./contributors.js";
export type { DatasetBuild } from "./dataset-build.js";
export {
  type DatasetDiff,
  type DiffCounts,
  type DiffExample,
  type DiffOptions,
  type DiffReason,
  type DiffSide,
  diffDatasets,
} from "./dataset-diff.js";
export type {
  DpoRow,
  GrpoResponse,
  GrpoRow,
  KtoRow,
  OnlineGrpoRow,
  RewardRow,
  SftCompletionRow,
  SftMessagesRow,
  SftMetadata,
  SftRow,
  Turns,
} from "./dataset-rows.js";
export { type DatasetStats, type DatasetStatsOptions, datasetStats } from "./dataset-stats.js";
export { isReplaceableDataset } from "./dataset-target.js";
export { buildDpoDataset, type DpoOptions } from "./dpo.js";
export {
  EXPORT_TARGETS,
  type ExportedDataset,
  type ExportOptions,
  type ExportTarget,
  exportDataset,
} from "./export/export-dataset.js";
export type { LeftOut } from "./export/export-formats.js";
export { type PushedDataset, type PushOptions, pushDataset } from "./export/push-dataset.js";
export { buildGrpoDataset, buildOnlineGrpoDataset, type GrpoOptions, type OnlineGrpoOptions } from "./grpo.js";
export { pythonLines } from "./json-lines.js";
export type { FileSummary } from "./jsonl-file.js";
export { buildKtoDataset, type KtoOptions } from "./kto.js";
export { type MixPart, mixDatasets } from "./mix-datasets.js";
export { createParquet, type ParquetColumn, type ParquetFile } from "./parquet-file.js";
export type { PairOptions } from "./preference-pairs.js";
export type { QueryComplexity } from "./query-complexity.js";
export { buildRewardDataset, type RewardOptions } from "./reward.js";
export { countRowsOf } from "./rows-of-interactions.js";
export { buildSftDataset, type SftOptions } from "./sft.js";
export type { Finding, FindingCode, FindingExample, Severity } from "./validation/findings.js";
export type { TokenReport } from "./validation/token-counts.js";
export { type ValidateOptions, type ValidationReport, validateDataset } from "./validation/validate-dataset.js";
export { type AgentDatasets, type AgentDatasetsOptions, writeAgentDatasets } from "./write-agent-datasets.js";
export { type WriteOptions, type WrittenDataset, writeDataset } from "./write-dataset.js";
