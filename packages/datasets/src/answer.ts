import {
  type ChatMessage,
  type EffectiveScore,
  effectiveScore,
  type FetchedRecord,
  promptTurns,
  type StoredInteraction,
  sourceRank,
  type ToolSchema,
} from "@whetstone/core";
import { type AnswerJson, storedJson, turnsJson } from "./answer-json.js";
import type { InteractionDrop } from "./build-report.js";
import { escapedTools, escapedTurns, toolsHaveControlTokens, turnsHaveControlTokens } from "./control-tokens.js";
import type { Decontamination } from "./decontamination.js";

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
  readonly controlTokens: "drop" | "escape" | "keep";
  /** What nobody may be trained on. */
  readonly evals: Decontamination | null;
  /** Whether a source's scores may decide; null trusts all. */
  readonly isTrusted: ((source: string) => boolean) | null;
  /** The row holds the answer as a text, so an answer that calls a tool does not fit. */
  readonly needsText?: boolean;
}

/** Takes a record apart, or says which rule keeps it out. */
export function answerOf(record: FetchedRecord, rules: AnswerRules): Answer | InteractionDrop {
  const score = effectiveScore(record.interaction);
  return score ? fitAnswer(record, score, turnsOf(record.interaction), rules) : "unscored";
}

/** The prompt of a record, whose answer and score do not matter. The answer it comes with stands for nothing. */
export function promptOf(record: FetchedRecord, rules: AnswerRules): Answer | InteractionDrop {
  const { prompt } = turnsOf(record.interaction);
  const answer: ChatMessage = { role: "assistant", content: "-" };
  return fitAnswer(record, { overall: 0, source: "", scores: {} }, { prompt, answer }, rules);
}

/** A record's answer as somebody corrected it, which counts as 1; null when nobody did. */
export function correctedAnswerOf(record: FetchedRecord, rules: AnswerRules): Answer | InteractionDrop | null {
  const correction = correctionOf(record.interaction);
  if (!correction) return null;
  const { prompt } = turnsOf(record.interaction);
  const answer: ChatMessage = { role: "assistant", content: correction.text };
  return fitAnswer(record, { overall: 1, source: correction.source, scores: {} }, { prompt, answer }, rules);
}

/** The answer that somebody corrected. Where nobody scored it, the correction says that it was not good: it counts as 0. */
export function rejectedAnswerOf(record: FetchedRecord, rules: AnswerRules): Answer | InteractionDrop {
  const { interaction } = record;
  const source = correctionOf(interaction)?.source;
  const score = effectiveScore(interaction) ?? (source === undefined ? null : { overall: 0, source, scores: {} });
  return score ? fitAnswer(record, score, turnsOf(interaction), rules) : "unscored";
}

function fitAnswer(
  { interaction, json }: FetchedRecord,
  score: EffectiveScore,
  { prompt, answer }: Pick<Answer, "prompt" | "answer">,
  { format, controlTokens, evals, isTrusted, needsText = format === "standard" }: AnswerRules,
): Answer | InteractionDrop {
  const tools = interaction.tools?.length ? interaction.tools : null;
  if (!asksSomething(prompt.at(-1))) return "noPrompt";
  if (answer.content.trim() === "" && !answer.tool_calls?.length) return "emptyAnswer";
  if (format === "standard" && prompt.length !== 1) return "notPlainText";
  if (needsText && answer.tool_calls?.length) return "notPlainText";
  if (evals?.knows(prompt)) return "contaminated";
  // Without a source no score matters.
  if (isTrusted && score.source !== "" && !isTrusted(score.source)) return "uncalibrated";
  if (controlTokens !== "keep") {
    if (turnsHaveControlTokens(prompt) || turnsHaveControlTokens([answer]) || toolsHaveControlTokens(tools)) {
      if (controlTokens === "drop") return "controlTokens";
      const [escapedPrompt, [escapedAnswer = answer]] = [escapedTurns(prompt), escapedTurns([answer])];
      const texts = { prompt: escapedPrompt, answer: escapedAnswer };
      return { interaction, score, ...texts, tools: escapedTools(tools), json: turnsJson(texts) };
    }
  }
  const isAsStored = !interaction.messages && answer.content === interaction.answer;
  const stored = isAsStored ? storedJson(json) : null;
  return { interaction, score, prompt, answer, tools, json: stored ?? turnsJson({ prompt, answer }) };
}

/** The newest correction of those who weigh most. */
function correctionOf({ annotations = [] }: StoredInteraction): { text: string; source: string } | null {
  let best: { text: string; source: string; rank: number; at: number } | null = null;
  for (const { at, source, ...said } of annotations) {
    if (said.kind !== "feedback" || said.feedback.type !== "demonstration") continue;
    const rank = sourceRank(source);
    if (best && (rank < best.rank || (rank === best.rank && at < best.at))) continue;
    best = { text: said.feedback.value, source, rank, at };
  }
  return best;
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
