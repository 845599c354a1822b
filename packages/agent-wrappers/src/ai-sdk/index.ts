export type { RunOptions } from "../run-recorder.js";
export { type MiddlewareOptions, type WhetstoneMiddleware, whetstoneMiddleware } from "./middleware.js";
export { type WhetstoneTelemetry, whetstoneTelemetry } from "./telemetry.js";
