export type { RunOptions } from "../run-recorder.js";
export { type WhetstoneTraceProcessor, whetstoneTraceProcessor } from "./trace-processor.js";
