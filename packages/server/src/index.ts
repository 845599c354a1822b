export { type AppOptions, createApp } from "./app.js";
export { type TrainingStatsBody, trainingStatsBody } from "./training-stats.js";
