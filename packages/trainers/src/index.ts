export {
  type AgentDataset,
  type AgentScript,
  type AgentScriptsOptions,
  agentDatasetsIn,
  saveAgentScripts,
} from "./agent-scripts.js";
export { memoryTable, qwenShapes } from "./memory-table.js";
export {
  type InFolder,
  type SavedTrainingScript,
  type SaveTrainingScriptOptions,
  saveTrainingScript,
} from "./save-training-script.js";
export {
  parseTrainingConfig,
  type TrainingConfig,
  type TrainingConfigInput,
  trainingConfigSchema,
} from "./training-config.js";
export { type TrainingKind, trainingKinds } from "./training-kind.js";
export { estimateTrainingMemory, type MemoryEstimate, type ModelShape } from "./training-memory.js";
export { generateTrainingScript, type TrainingScriptOptions } from "./training-script.js";
