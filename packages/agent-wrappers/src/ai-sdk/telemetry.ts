import type { InteractionInput } from "@whetstone/core";
import { conversationFields, errorText, valueText } from "../chat-turns.js";
import { currentSession, type Session } from "../interaction-context.js";
import { openRuns } from "../open-runs.js";
import { readArray, readField, readText } from "../read-field.js";
import type { Fields } from "../record-fields.js";
import { type RunOptions, recordRuns } from "../run-recorder.js";
import { finishReasonOf, modelTools, promptTurns, sourcesOf, usageOf } from "./chat-messages.js";

/** What `registerTelemetry` of `ai` 7 takes, and `telemetry: { integrations }` of a single call. */
export interface WhetstoneTelemetry {
  onStart(event: unknown): void;
  onLanguageModelCallStart(event: unknown): void;
  onStepEnd(event: unknown): void;
  onEnd(event: unknown): void;
  onAbort(event: unknown): void;
  onError(event: unknown): void;
}

/** One call of `generateText`, `streamText`, `generateObject` or `streamObject` that runs. */
interface Run {
  readonly startedAt: number;
  readonly session: Session;
  readonly asked: readonly unknown[];
  readonly functionId: string | undefined;
  readonly model: string | undefined;
  /** Grow with each step. */
  replies: readonly unknown[];
  content: readonly unknown[];
  tools: InteractionInput["tools"];
}

/**
 * Records every `generateText`, `streamText`, `generateObject` and `streamObject` as one interaction: all steps, tool
 * calls and results, tokens of the whole run, latency and errors. A call whose `recordInputs` or `recordOutputs` is
 * false is not recorded at all: half an exchange teaches nothing.
 *
 * @example registerTelemetry(whetstoneTelemetry({ agentType: "support" }));
 */
export function whetstoneTelemetry(options: RunOptions = {}): WhetstoneTelemetry {
  const recorder = recordRuns(options, "whetstoneTelemetry");
  const runs = openRuns<Run>(recorder.report);

  const close = (event: unknown, fields: (run: Run) => Fields) =>
    recorder.guard(() => {
      const run = runs.end(readText(event, "callId"));
      if (!run) return;
      const { functionId, model, tools } = run;
      const said = fields(run);
      const record: Fields = {
        ...conversationFields(promptTurns([...run.asked, ...run.replies])),
        sources: sourcesOf(run.content),
        latencyMs: performance.now() - run.startedAt,
        ...(functionId !== undefined && { metadata: { functionId } }),
        ...(model !== undefined && { model }),
        ...(tools !== undefined && { tools }),
      };
      recorder.record({ ...record, ...said, metadata: { ...record.metadata, ...said.metadata } }, run.session);
    });

  return {
    onStart: (event) =>
      recorder.guard(() => {
        const id = readText(event, "callId");
        if (id === undefined || !OPERATIONS.includes(readText(event, "operationId") ?? "")) return;
        if (readField(event, "recordInputs") === false || readField(event, "recordOutputs") === false) return;
        runs.begin(id, {
          startedAt: performance.now(),
          session: currentSession(),
          asked: askedMessages(event),
          functionId: readText(event, "functionId"),
          model: readText(event, "modelId"),
          replies: [],
          content: [],
          tools: undefined,
        });
      }),
    onLanguageModelCallStart: (event) =>
      recorder.guard(() => {
        const run = runs.get(readText(event, "callId"));
        // The tools that one step may use can be fewer than those of another.
        if (run) run.tools ??= modelTools(readArray(event, "tools"));
      }),
    onStepEnd: (event) =>
      recorder.guard(() => {
        const run = runs.get(readText(event, "callId"));
        if (!run) return;
        run.replies = [...run.replies, ...(readArray(readField(event, "response"), "messages") ?? [])];
        run.content = [...run.content, ...(readArray(event, "content") ?? [])];
      }),
    onEnd: (event) =>
      close(event, (run) => {
        run.replies = readArray(event, "responseMessages") ?? run.replies;
        const failed = readField(event, "error");
        const finishReason = finishReasonOf(readField(event, "finishReason"));
        return {
          ...(finishReason !== undefined && { metadata: { finishReason } }),
          usage: usageOf(readField(event, "totalUsage") ?? readField(event, "usage")),
          ...answeredModel(event),
          ...objectAnswer(event),
          ...(failed !== undefined && failure(failed)),
        };
      }),
    onAbort: (event) => close(event, () => ({ metadata: { cancelled: true } })),
    onError: (event) => close(event, () => failure(readField(event, "error"))),
  };
}

const OPERATIONS = ["ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject"];

/** Instructions and messages as the call was given them: a text, one message or a list. */
function askedMessages(event: unknown): readonly unknown[] {
  const instructions = readField(event, "instructions") ?? readField(event, "system");
  const prompt = readField(event, "messages") ?? readField(event, "prompt");
  return [...asMessages("system", instructions), ...asMessages("user", prompt)];
}

function asMessages(role: string, given: unknown): readonly unknown[] {
  if (given === undefined || given === null) return [];
  if (typeof given === "string") return [{ role, content: given }];
  return Array.isArray(given) ? given : [given];
}

/** The model that really answered, where the provider names it. */
function answeredModel(event: unknown): Fields {
  const model = readText(readField(event, "response"), "modelId");
  return model === undefined ? {} : { model };
}

/** `generateObject` gives a value instead of messages. */
function objectAnswer(event: unknown): Fields {
  const object = readField(event, "object");
  return object === undefined ? {} : { answer: valueText(object) };
}

function failure(error: unknown): Fields {
  return { errorOccurred: true, errorMessage: errorText(error) };
}
