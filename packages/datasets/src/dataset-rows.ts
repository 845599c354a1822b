import type { ChatMessage, ToolSchema } from "@whetstone/core";
import type { Answer } from "./answer.js";
import type { AnswerJson } from "./answer-json.js";
import { columnJson } from "./json-lines.js";
import { type QueryComplexity, queryComplexity } from "./query-complexity.js";
import { scoreGap } from "./score-gap.js";

/** A message list, or one plain string in `format: "standard"`. */
export type Turns = readonly ChatMessage[] | string;

export interface SftMetadata {
  readonly interaction_id: string;
  readonly agent_type: string;
  readonly quality_score: number;
  readonly score_source: string;
  readonly latency_ms: number;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
}

/** `mode: "messages"`: the whole trajectory; a trainer takes the loss on its assistant turns. */
export interface SftMessagesRow {
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly ToolSchema[] | null;
  readonly metadata: SftMetadata;
}

/** `mode: "prompt-completion"`: the loss is on the completion alone. */
export interface SftCompletionRow {
  readonly prompt: Turns;
  readonly completion: Turns;
  readonly tools?: readonly ToolSchema[] | null;
  readonly metadata: SftMetadata;
}

export type SftRow = SftMessagesRow | SftCompletionRow;

export interface DpoRow {
  readonly prompt: Turns;
  readonly chosen: Turns;
  readonly rejected: Turns;
  readonly tools?: readonly ToolSchema[] | null;
  readonly metadata: {
    readonly agent_type: string;
    readonly quality_diff: number;
    readonly chosen_score: number;
    readonly rejected_score: number;
    readonly chosen_score_source: string;
    readonly rejected_score_source: string;
    readonly chosen_interaction_id: string;
    readonly rejected_interaction_id: string;
    readonly chosen_latency_ms: number;
    readonly rejected_latency_ms: number;
    readonly chosen_timestamp: string;
    readonly rejected_timestamp: string;
  };
}

export interface GrpoRow {
  readonly prompt: Turns;
  /** Best first. */
  readonly responses: readonly { readonly text: string; readonly reward: number }[];
  /** The lists run parallel to `responses`. */
  readonly metadata: {
    readonly query_complexity: QueryComplexity;
    readonly agent_type: string;
    readonly group_size: number;
    readonly reward_mean: number;
    readonly reward_std: number;
    readonly reward_min: number;
    readonly reward_max: number;
    readonly interaction_ids: readonly string[];
    readonly score_sources: readonly string[];
    readonly latencies_ms: readonly number[];
    readonly timestamps: readonly string[];
  };
}

/** How rows of one build look. `hasTools` says whether its rows have a `tools` column. */
export interface RowShape {
  readonly format: "conversational" | "standard";
  readonly hasTools: boolean;
}

/** One row of the kind as a line of JSON. */
export function sftLine(
  { interaction, score, tools, json }: Answer,
  { mode, format, hasTools }: RowShape & { readonly mode: "messages" | "prompt-completion" },
): string {
  const metadata: SftMetadata = {
    interaction_id: interaction.interactionId,
    agent_type: interaction.agentType,
    quality_score: score.overall,
    score_source: score.source,
    latency_ms: interaction.latencyMs,
    timestamp: isoTime(interaction.timestamp),
  };
  const isStandard = format === "standard";
  return rowOf<SftRow>({
    ...(mode === "messages"
      ? { messages: `[${json.prompt},${json.answer}]` }
      : { prompt: promptJson(json, isStandard), completion: isStandard ? json.answerText : `[${json.answer}]` }),
    ...(hasTools && !isStandard && { tools: JSON.stringify(tools) }),
    metadata: columnJson("metadata", metadata),
  });
}

export function dpoLine(chosen: Answer, rejected: Answer, { format, hasTools }: RowShape): string {
  const metadata: DpoRow["metadata"] = {
    agent_type: chosen.interaction.agentType,
    quality_diff: scoreGap(chosen.score.overall, rejected.score.overall),
    chosen_score: chosen.score.overall,
    rejected_score: rejected.score.overall,
    chosen_score_source: chosen.score.source,
    rejected_score_source: rejected.score.source,
    chosen_interaction_id: chosen.interaction.interactionId,
    rejected_interaction_id: rejected.interaction.interactionId,
    chosen_latency_ms: chosen.interaction.latencyMs,
    rejected_latency_ms: rejected.interaction.latencyMs,
    chosen_timestamp: isoTime(chosen.interaction.timestamp),
    rejected_timestamp: isoTime(rejected.interaction.timestamp),
  };
  const isStandard = format === "standard";
  const answerJson = ({ json }: Answer) => (isStandard ? json.answerText : `[${json.answer}]`);
  return rowOf<DpoRow>({
    prompt: promptJson(chosen.json, isStandard),
    chosen: answerJson(chosen),
    rejected: answerJson(rejected),
    ...(hasTools && { tools: JSON.stringify(chosen.tools) }),
    metadata: columnJson("metadata", metadata),
  });
}

export function grpoLine(answers: readonly [Answer, ...Answer[]], { format }: RowShape): string {
  const [best] = answers;
  const rewards = answers.map(({ score }) => score.overall);
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const variance = rewards.reduce((sum, reward) => sum + (reward - mean) ** 2, 0) / rewards.length;
  const metadata: GrpoRow["metadata"] = {
    query_complexity: queryComplexity(best.prompt),
    agent_type: best.interaction.agentType,
    group_size: answers.length,
    reward_mean: mean,
    reward_std: Math.sqrt(variance),
    reward_min: Math.min(...rewards),
    reward_max: Math.max(...rewards),
    interaction_ids: answers.map(({ interaction }) => interaction.interactionId),
    score_sources: answers.map(({ score }) => score.source),
    latencies_ms: answers.map(({ interaction }) => interaction.latencyMs),
    timestamps: answers.map(({ interaction }) => isoTime(interaction.timestamp)),
  };
  const responses = answers.map(
    ({ json, score }) => `{"text":${json.answerText},"reward":${columnJson("reward", score.overall)}}`,
  );
  return rowOf<GrpoRow>({
    prompt: promptJson(best.json, format === "standard"),
    responses: `[${responses.join(",")}]`,
    metadata: columnJson("metadata", metadata),
  });
}

/** Puts a row together from its columns' JSON, so that a row has just the columns of its type. */
function rowOf<Row>(columns: Readonly<Partial<Record<Row extends object ? keyof Row : never, string>>>): string {
  let line = "";
  for (const name in columns) line += `${line === "" ? "{" : ","}"${name}":${columns[name as keyof typeof columns]}`;
  return `${line}}`;
}

const promptJson = ({ prompt, lastText }: AnswerJson, isStandard: boolean): string =>
  isStandard ? lastText : `[${prompt}]`;

const isoTime = (timestamp: number): string => new Date(timestamp).toISOString();
