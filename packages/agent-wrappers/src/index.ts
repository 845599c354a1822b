export type { AnyFunction } from "./any-function.js";
export {
  type CollectGroupsOptions,
  type CollectProgress,
  type CollectReport,
  collectGroups,
  type GroupAgent,
} from "./collect-groups.js";
export type { AgentResult, CallEnd, Describe } from "./describe-call.js";
export { type Instruments, instrument } from "./instrument.js";
export { currentInteraction, type InteractionHandle, type Session, withSession } from "./interaction-context.js";
export { type LoggedDecorator, logged } from "./logged.js";
export { type LoggedPrompt, type LoggedPromptsOptions, loggedPrompts } from "./logged-prompts.js";
export { presets } from "./presets.js";
export { wrapAgent } from "./wrap-agent.js";
export type { WrapOptions } from "./wrap-options.js";
