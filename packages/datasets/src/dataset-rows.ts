import type { ChatMessage, ToolSchema } from "@whetstone/core";
import type { Answer } from "./answer.js";
import { columnJson } from "./json-lines.js";
import { type QueryComplexity, queryComplexity } from "./query-complexity.js";
import { scoreGap } from "./score-gap.js";

/** A message list, or one plain string in `format: "standard"`. */
export type Turns = readonly ChatMessage[] | string;

/** The task that an interaction is an attempt at; in the rows of a build where at least one names its task. */
interface TaskMetadata {
  readonly group_id?: string | null;
}

export interface SftMetadata extends TaskMetadata {
  readonly interaction_id: string;
  readonly agent_type: string;
  readonly quality_score: number;
  readonly score_source: string;
  readonly latency_ms: number;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  /** With `perTurn`: which of the trajectory's assistant turns this is, from 0 on. */
  readonly turn?: number;
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
  readonly metadata: TaskMetadata & {
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

/** A pair, and by how much the chosen answer is better. */
export interface RewardRow extends DpoRow {
  readonly margin: number;
}

export interface KtoRow {
  readonly prompt: Turns;
  readonly completion: Turns;
  /** Whether the answer is wanted. */
  readonly label: boolean;
  readonly tools?: readonly ToolSchema[] | null;
  readonly metadata: SftMetadata;
}

export interface GrpoRow {
  /** Of attempts at one task the turns that all of them begin with. */
  readonly prompt: Turns;
  /** Best first. */
  readonly responses: readonly GrpoResponse[];
  /** The lists run parallel to `responses`. */
  readonly metadata: TaskMetadata & {
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

export interface GrpoResponse {
  /** The final answer. */
  readonly text: string;
  readonly reward: number;
  /** Where attempts at one task are whole trajectories: all turns that follow the prompt, the final answer last. */
  readonly messages?: readonly ChatMessage[];
}

/** A prompt for a trainer that makes the answers itself. */
export interface OnlineGrpoRow {
  readonly prompt: Turns;
  /** The right answer, for reward functions; null where it is not known. */
  readonly reference: string | null;
  readonly metadata: TaskMetadata & {
    readonly interaction_id: string;
    readonly agent_type: string;
    readonly query_complexity: QueryComplexity;
    /** ISO 8601, UTC. */
    readonly timestamp: string;
  };
}

/** How rows of one build look: all of them have a `tools` column or none, and a `group_id` or none. */
export interface RowShape {
  readonly format: "conversational" | "standard";
  readonly hasTools: boolean;
  readonly hasTasks: boolean;
}

/** One row of the kind as a line of JSON. */
export function sftLine(answer: Answer, shape: RowShape & { readonly mode: "messages" | "prompt-completion" }): string {
  const { json } = answer;
  if (shape.mode === "prompt-completion") return completionLine(answer, {}, shape);
  return rowOf<SftMessagesRow>({
    messages: `[${json.prompt},${json.answer}]`,
    ...toolsJson(answer, shape),
    metadata: columnJson("metadata", sftMetadata(answer, shape)),
  });
}

/** A row for each assistant turn that says or calls something, with all turns before it as the prompt. */
export function sftTurnLines(answer: Answer, shape: RowShape): readonly string[] {
  const turns = [...answer.prompt, answer.answer];
  const texts = turns.map((turn) => JSON.stringify(turn));
  let turn = -1;
  return turns.flatMap(({ role, content, tool_calls }, at) => {
    if (role !== "assistant") return [];
    turn += 1;
    // A conversation that the assistant opens has no prompt for its first words.
    if (at === 0 || (content.trim() === "" && !tool_calls?.length)) return [];
    const columns = {
      prompt: `[${texts.slice(0, at).join(",")}]`,
      completion: `[${texts[at]}]`,
      ...toolsJson(answer, shape),
      metadata: columnJson("metadata", { ...sftMetadata(answer, shape), turn }),
    };
    return [rowOf<SftCompletionRow>(columns)];
  });
}

export function ktoLine(answer: Answer, label: boolean, shape: RowShape): string {
  return completionLine(answer, { label: String(label) }, shape);
}

function completionLine(answer: Answer, columns: { readonly label?: string }, shape: RowShape): string {
  return rowOf<SftCompletionRow & Partial<KtoRow>>({
    prompt: promptJson(answer, shape),
    completion: turnJson(answer, shape),
    ...columns,
    ...toolsJson(answer, shape),
    metadata: columnJson("metadata", sftMetadata(answer, shape)),
  });
}

function sftMetadata({ interaction, score }: Answer, { hasTasks }: RowShape): SftMetadata {
  return {
    interaction_id: interaction.interactionId,
    agent_type: interaction.agentType,
    ...(hasTasks && { group_id: interaction.groupId ?? null }),
    quality_score: score.overall,
    score_source: score.source,
    latency_ms: interaction.latencyMs,
    timestamp: isoTime(interaction.timestamp),
  };
}

export function dpoLine(chosen: Answer, rejected: Answer, shape: RowShape): string {
  return pairLine(chosen, rejected, shape, {});
}

export function rewardLine(chosen: Answer, rejected: Answer, shape: RowShape): string {
  const margin = columnJson("margin", scoreGap(chosen.score.overall, rejected.score.overall));
  return pairLine(chosen, rejected, shape, { margin });
}

function pairLine(chosen: Answer, rejected: Answer, shape: RowShape, columns: { readonly margin?: string }): string {
  const metadata: DpoRow["metadata"] = {
    agent_type: chosen.interaction.agentType,
    ...(shape.hasTasks && { group_id: chosen.interaction.groupId ?? null }),
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
  return rowOf<DpoRow & Partial<RewardRow>>({
    prompt: promptJson(chosen, shape),
    chosen: turnJson(chosen, shape),
    rejected: turnJson(rejected, shape),
    ...columns,
    ...toolsJson(chosen, shape),
    metadata: columnJson("metadata", metadata),
  });
}

/** `hasTrajectories` says whether responses have `messages`; the first `shared` turns of each conversation are the prompt. */
export function grpoLine(
  answers: readonly [Answer, ...Answer[]],
  shape: RowShape & { readonly hasTrajectories: boolean },
  shared: number,
): string {
  const [best] = answers;
  const rewards = answers.map(({ score }) => score.overall);
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const variance = rewards.reduce((sum, reward) => sum + (reward - mean) ** 2, 0) / rewards.length;
  const prompt = best.prompt.slice(0, shared);
  const metadata: GrpoRow["metadata"] = {
    query_complexity: queryComplexity(prompt),
    agent_type: best.interaction.agentType,
    ...(shape.hasTasks && { group_id: best.interaction.groupId ?? null }),
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
  let responses = "";
  for (const { prompt: turns, answer, json, score } of answers) {
    const messages = shape.hasTrajectories ? `,"messages":${JSON.stringify([...turns.slice(shared), answer])}` : "";
    responses += responses === "" ? "[" : ",";
    responses += `{"text":${json.answerText},"reward":${columnJson("reward", score.overall)}${messages}}`;
  }
  return rowOf<GrpoRow>({
    prompt: shared === best.prompt.length ? promptJson(best, shape) : JSON.stringify(prompt),
    responses: `${responses}]`,
    metadata: columnJson("metadata", metadata),
  });
}

export function onlineGrpoLine(asked: Answer, shape: RowShape): string {
  const { interaction, prompt } = asked;
  const metadata: OnlineGrpoRow["metadata"] = {
    interaction_id: interaction.interactionId,
    agent_type: interaction.agentType,
    ...(shape.hasTasks && { group_id: interaction.groupId ?? null }),
    query_complexity: queryComplexity(prompt),
    timestamp: isoTime(interaction.timestamp),
  };
  return rowOf<OnlineGrpoRow>({
    prompt: promptJson(asked, shape),
    reference: JSON.stringify(interaction.reference ?? null),
    metadata: columnJson("metadata", metadata),
  });
}

/** Puts a row together from its columns' JSON, so that a row has just the columns of its type. */
function rowOf<Row>(columns: Readonly<Partial<Record<Row extends object ? keyof Row : never, string>>>): string {
  let line = "";
  for (const name in columns) line += `${line === "" ? "{" : ","}"${name}":${columns[name as keyof typeof columns]}`;
  return `${line}}`;
}

const promptJson = ({ json }: Answer, { format }: RowShape): string =>
  format === "standard" ? json.lastText : `[${json.prompt}]`;

const turnJson = ({ json }: Answer, { format }: RowShape): string =>
  format === "standard" ? json.answerText : `[${json.answer}]`;

const toolsJson = ({ tools }: Answer, { format, hasTools }: RowShape) =>
  hasTools && format === "conversational" ? { tools: JSON.stringify(tools) } : {};

const isoTime = (timestamp: number): string => new Date(timestamp).toISOString();
