import {
  type ChatMessage,
  type EffectiveScore,
  effectiveScore,
  type FetchedRecord,
  promptTurns,
  type StoredInteraction,
  type ToolSchema,
} from "@whetstone/core";
import { type AnswerJson, answerJson } from "./answer-json.js";
import type { InteractionDrop } from "./build-report.js";
import { toolsHaveControlTokens, turnsHaveControlTokens } from "./control-tokens.js";

/** An interaction taken apart for training: what was asked, what was answered, and how good that was. */
export interface Answer {
  readonly interaction: StoredInteraction;
  readonly score: EffectiveScore;
  /** Every turn before the answer; the last one is a user or tool turn. */
  readonly prompt: readonly ChatMessage[];
  /** The answering assistant turn. */
  readonly answer: ChatMessage;
  readonly tools: readonly ToolSchema[] | null;
  /** What rows are put together from. */
  readonly json: AnswerJson;
}

/** The rules a record must pass to stand in a row. */
export interface AnswerRules {
  readonly format: "conversational" | "standard";
  readonly controlTokens: "drop" | "keep";
  /** The row holds the answer as a text, so an answer that calls a tool does not fit. */
  readonly needsText?: boolean;
}

/** Takes a record apart, or says which rule keeps it out. */
export function answerOf(
  record: FetchedRecord,
  { format, controlTokens, needsText = format === "standard" }: AnswerRules,
): Answer | InteractionDrop {
  const { interaction } = record;
  const score = effectiveScore(interaction);
  if (!score) return "unscored";
  const { prompt, answer } = turnsOf(interaction);
  const tools = interaction.tools?.length ? interaction.tools : null;
  if (!asksSomething(prompt.at(-1))) return "noPrompt";
  if (answer.content.trim() === "" && !answer.tool_calls?.length) return "emptyAnswer";
  if (format === "standard" && prompt.length !== 1) return "notPlainText";
  if (needsText && answer.tool_calls?.length) return "notPlainText";
  if (controlTokens === "drop") {
    if (turnsHaveControlTokens(prompt) || turnsHaveControlTokens([answer]) || toolsHaveControlTokens(tools)) {
      return "controlTokens";
    }
  }
  return { interaction, score, prompt, answer, tools, json: answerJson(record, prompt, answer) };
}

function turnsOf(interaction: StoredInteraction): Pick<Answer, "prompt" | "answer"> {
  const { messages, answer: text } = interaction;
  const prompt = promptTurns(interaction);
  const answer: ChatMessage = { role: "assistant", content: text };
  if (!messages || messages.length === 0) return { prompt, answer };
  const at = messages.findLastIndex((turn) => turn.role === "assistant");
  const last = messages[at];
  // A trajectory may go on after its answer with a thank-you or a tool's receipt: nothing there is the model's to learn.
  if (last && (at === messages.length - 1 || last.content.trim() === text.trim())) {
    return { prompt: messages.slice(0, at), answer: last };
  }
  return { prompt, answer };
}

function asksSomething(turn: ChatMessage | undefined): boolean {
  return turn?.role === "tool" || (turn?.role === "user" && turn.content.trim() !== "");
}
