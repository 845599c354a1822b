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
} from "./annotation.js";
export { type ChatMessage, chatMessage, type ToolCall, type ToolSchema, toolSchema } from "./chat-message.js";
export {
  ConfigError,
  DatasetError,
  type ErrorCode,
  ScoringError,
  StoreError,
  WhetstoneError,
} from "./errors.js";
export {
  HIGH_QUALITY,
  type Interaction,
  type InteractionInput,
  interactionSchema,
  type Source,
} from "./interaction.js";
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
export { prepareInteraction } from "./prepare.js";
export { normaliseText, promptKey, promptTurns } from "./prompt-key.js";
export { type Score, type Scorer, scorer } from "./scorer.js";
export {
  type AgentStats,
  type AnnotateStatus,
  type AppendStatus,
  cursorAfter,
  type IndexBatch,
  IndexFlag,
  type InteractionFilter,
  type InteractionStore,
  type QueryOptions,
  type StoreHealth,
  type StoreStats,
} from "./store.js";
export { memoryStore } from "./stores/memory-store.js";
