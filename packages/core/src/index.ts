export {
  type Annotation,
  annotationSchema,
  type EffectiveScore,
  effectiveScore,
  type Feedback,
  type FeedbackAnnotation,
  type ScoreAnnotation,
  type StoredInteraction,
  sourceRank,
  type UnscoredAnnotation,
} from "./annotation.js";
export type { BackgroundScoringOptions, BackgroundScoringStats, ScoredEvent } from "./background-scoring.js";
export { calibrate, calibrateStored, labelledByPeople } from "./calibrate.js";
export { type Calibration, type CalibrationOptions, calibrationSchema, type JudgedLabel } from "./calibration.js";
export { calibrationOf } from "./calibration-of.js";
export type { CalibrateOptions, LabelledAnswer, LabelledPair } from "./calibration-run.js";
export { type ChatMessage, chatMessage, type ToolCall, type ToolSchema, toolSchema } from "./chat-message.js";
export { type CopyOptions, type CopyProgress, type CopyReport, copyStore } from "./copy-store.js";
export { defaultLogger, logInteraction } from "./default-logger.js";
export {
  ConfigError,
  DatasetError,
  type ErrorCode,
  ScoringError,
  StoreError,
  WhetstoneError,
} from "./errors.js";
export { flushOnExit } from "./flush-on-exit.js";
export {
  HIGH_QUALITY,
  type Interaction,
  type InteractionInput,
  interactionSchema,
  type Source,
  type Usage,
} from "./interaction.js";
export { newInteractionId } from "./interaction-id.js";
export { createInteractionLogger, type LoggerOptions } from "./interaction-logger.js";
export { interactionFields, interactionRow, snakeKeys } from "./interaction-row.js";
export { interactionsToScore, type ToScoreOptions } from "./interactions-to-score.js";
export type { Json, JsonObject } from "./json.js";
export type {
  DropReason,
  FlushOptions,
  FlushReport,
  InteractionLogger,
  LoggerEvents,
  LoggerHealth,
  LoggerStats,
} from "./logger.js";
export { DEFAULT_STORE_URL, defaultStoreUrl, openStore } from "./open-store.js";
export { prepareInteraction } from "./prepare.js";
export { isSamePrompt, normaliseText, promptKey, promptTurns } from "./prompt-key.js";
export type { RedactedKind } from "./redact/finding.js";
export { createPlaceholders, type Placeholders } from "./redact/placeholders.js";
export { type RecordRedactor, type RedactOption, recordRedactor } from "./redact/redact-record.js";
export {
  type RedactedText,
  type RedactOptions,
  type Redactor,
  type RedactTextOptions,
  redactor,
} from "./redact/redactor.js";
export { type CalibrationFacts, calibratedSources, calibrationFacts } from "./required-calibration.js";
export { scoreInteractions } from "./score-interactions.js";
export { scoreOne } from "./score-one.js";
export { type Score, type Scorer, type ScorerContext, type ScoringEstimate, scorer } from "./scorer.js";
export type { ChatClient } from "./scorers/chat-request.js";
export { type CitationVerifierOptions, citationVerifier } from "./scorers/citation-verifier.js";
export type { CodeLanguage } from "./scorers/code/code-in-answer.js";
export type { CodeTask, CodeVerifierOptions } from "./scorers/code/code-scoring.js";
export { codeVerifier } from "./scorers/code/code-verifier.js";
export { type ComposeOptions, compose } from "./scorers/compose.js";
export { type ExactMatchOptions, exactMatch } from "./scorers/exact-match.js";
export { type GroupJudge, groupJudge } from "./scorers/group-judge.js";
export type { GroupJudgeOptions } from "./scorers/group-judging.js";
export { heuristicScorer } from "./scorers/heuristic-scorer.js";
export { jsonSchema } from "./scorers/json-schema.js";
export { type JudgeBudget, type JudgeBudgetOptions, judgeBudget } from "./scorers/judge-budget.js";
export { type JudgeCache, judgeCache } from "./scorers/judge-cache.js";
export type { JudgeOptions } from "./scorers/judge-options.js";
export { llmJudge } from "./scorers/llm-judge.js";
export type { LlmJudgeOptions } from "./scorers/llm-judging.js";
export type { MathEqualOptions } from "./scorers/math-equal.js";
export { extractFinalAnswer, mathEqual, mathVerifier } from "./scorers/math-verifier.js";
export { type PairwiseJudge, pairwiseJudge } from "./scorers/pairwise-judge.js";
export type { PairwiseJudgeOptions, Preference } from "./scorers/pairwise-judging.js";
export { type Criterion, parseRubric, type Rubric, type RubricOptions, rubrics } from "./scorers/rubrics.js";
export type { JsonSchemaOptions } from "./scorers/schema-fit.js";
export { toolCallMatch } from "./scorers/tool-call-match.js";
export type { ExpectedToolCall, ToolCallMatchOptions } from "./scorers/tool-call-score.js";
export type { ScoringOutcome } from "./scoring-attempt.js";
export type { ScoringQueue } from "./scoring-queue.js";
export type {
  ScoreInteractionsOptions,
  ScoringFailure,
  ScoringProgress,
  ScoringReport,
  ScoringUsage,
} from "./scoring-run.js";
export { DEFAULT_SPOOL_DIRECTORY, type SpoolBacklog, spoolBacklog } from "./spool/spool-folder.js";
export {
  type AgentStats,
  type AnnotateStatus,
  type AppendStatus,
  cursorAfter,
  type FetchedRecord,
  type IndexBatch,
  IndexFlag,
  type InteractionFilter,
  type InteractionStore,
  type JournaledStore,
  type QueryOptions,
  type StoreHealth,
  type StoreStats,
} from "./store.js";
export { type StoreFault, storeFault } from "./store-fault.js";
export { fileStore } from "./stores/file-store.js";
export { memoryStore } from "./stores/memory-store.js";
export type { RedisLike, RedisPipeline } from "./stores/redis/redis-like.js";
export type { RedisStoreOptions } from "./stores/redis/redis-target.js";
export { redisStore } from "./stores/redis-store.js";
