export { type Access, type AccessToken, createAccessToken, type Scope, scopes } from "./access-tokens.js";
export { type AppOptions, createApp } from "./app.js";
export { LOOPBACK_HOSTS } from "./host-allow-list.js";
export { type ListenOptions, listen, type RunningServer } from "./listen.js";
export { type TrainingStatsBody, trainingStatsBody } from "./training-stats.js";
