export type { RunOptions } from "../run-recorder.js";
export { type SpanProcessorStats, type WhetstoneSpanProcessor, whetstoneSpanProcessor } from "./span-processor.js";
