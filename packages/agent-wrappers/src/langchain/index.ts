export type { RunOptions } from "../run-recorder.js";
export { type WhetstoneCallbackHandler, whetstoneCallbackHandler } from "./callback-handler.js";
