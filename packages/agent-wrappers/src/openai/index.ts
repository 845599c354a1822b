export type { RunOptions } from "../run-recorder.js";
export { type WrapOpenAIOptions, wrapOpenAI } from "./wrap-openai.js";
