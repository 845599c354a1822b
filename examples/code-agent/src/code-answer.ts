import type { TokenUsage } from "@whetstone/example-shared/chat-model";
import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import type { Language } from "./code-block.js";
import type { ExecutionResult } from "./run-code.js";

/** What every agent here gives back, and what its wrapper records. */
export interface CodeAnswer {
  /** As it was written: a sentence and a fenced block of code. */
  readonly answer: string;
  /** Empty when the answer holds no code. */
  readonly code: string;
  readonly language: Language;
  readonly codeLength: number;
  /** Null when there was nothing to run. */
  readonly executionResult: ExecutionResult | null;
  /** The whole conversation, from the system turn to the answer. */
  readonly messages: readonly ChatCompletionMessageParam[];
  readonly model?: string | undefined;
  readonly usage?: TokenUsage | undefined;
}

/** All agents get the same instructions, so that their answers to one task can be compared. */
export const SYSTEM_PROMPT =
  "You write small programs. Say in one sentence how it works, then give one fenced block of code that holds the " +
  "function that was asked for, by its name and with its parameters. Use the standard library only and print nothing.";
