export {
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
export { generateTrainingScript, type TrainingScriptOptions } from "./training-script.js";
