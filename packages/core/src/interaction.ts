import * as z from "zod/mini";
import { chatMessage, jsonObject, toolSchema } from "./chat-message.js";

/** What an id may look like: ours are UUIDv7, a caller's own may use letters, digits and `_ . : -`. */
export const INTERACTION_ID = /^[\w.:-]{1,128}$/;

/** The overall score from which an interaction counts as high quality. */
export const HIGH_QUALITY = 0.8;

const score = /* @__PURE__ */ (() => z.number().check(z.minimum(0), z.maximum(1)))();

const source = /* @__PURE__ */ (() =>
  z.object({
    id: z.optional(z.string()),
    title: z.optional(z.string()),
    url: z.optional(z.string()),
    text: z.optional(z.string()),
    score: z.optional(z.number()),
  }))();

/** What model calls took. */
export const usageSchema = /* @__PURE__ */ (() =>
  z.object({
    inputTokens: z.number(),
    outputTokens: z.number(),
    costUsd: z.optional(z.number()),
  }))();

export type Usage = Readonly<z.infer<typeof usageSchema>>;

/**
 * One answered question, as it is stored. The schema is the only declaration: the type is inferred from it.
 * A missing `qualityScores.overall` means *unscored*, never 0.
 */
export const interactionSchema = /* @__PURE__ */ (() =>
  z.readonly(
    z.object({
      interactionId: z.string().check(z.regex(INTERACTION_ID)),
      /** Epoch milliseconds. */
      timestamp: z.int().check(z.minimum(0)),
      query: z.string(),
      answer: z.string(),
      /** `math`, `code`, `rag`, `general` or the user's own word. */
      agentType: z.string().check(z.minLength(1), z.maxLength(128)),
      /** The whole trajectory, when there was more than one turn or a tool call. */
      messages: z.optional(z.array(chatMessage)),
      tools: z.optional(z.array(toolSchema)),
      qualityScores: z.record(z.string(), score),
      sessionId: z.optional(z.string()),
      /** A pseudonym: HMAC of the caller's user id with the store's own salt. */
      userId: z.optional(z.string()),
      latencyMs: z.number().check(z.minimum(0)),
      toolsUsed: z.array(z.string()),
      sources: z.optional(z.array(source)),
      retrievalMethod: z.optional(z.string()),
      errorOccurred: z.boolean(),
      errorMessage: z.optional(z.string()),
      model: z.optional(z.string()),
      /** Which policy answered: a prompt version, an agent variant, a checkpoint. */
      variant: z.optional(z.string()),
      usage: z.optional(usageSchema),
      /** The right answer, where it is known. Verifiers compare with it. */
      reference: z.optional(z.string()),
      /** The task that several attempts share. */
      groupId: z.optional(z.string()),
      metadata: z.optional(jsonObject),
      /** What capture changed, such as `answer:truncated`. Absent when the record is exactly what was handed in. */
      flags: z.optional(z.array(z.string())),
    }),
  ))();

export type Interaction = z.infer<typeof interactionSchema>;
export type Source = Readonly<z.infer<typeof source>>;

/**
 * What a caller hands in. Only `query`, `answer` and `agentType` are needed; the rest has defaults. Messages may be in
 * the OpenAI wire form (`content: null`, string arguments): they are made canonical before they are stored.
 */
export interface InteractionInput {
  readonly query: string;
  readonly answer: string;
  readonly agentType: string;
  readonly interactionId?: string | undefined;
  readonly timestamp?: number | undefined;
  readonly messages?: readonly unknown[] | undefined;
  readonly tools?: readonly unknown[] | undefined;
  readonly qualityScores?: Readonly<Record<string, number>> | undefined;
  readonly sessionId?: string | undefined;
  readonly userId?: string | undefined;
  readonly latencyMs?: number | undefined;
  readonly toolsUsed?: readonly string[] | undefined;
  readonly sources?: readonly Source[] | undefined;
  readonly retrievalMethod?: string | undefined;
  readonly errorOccurred?: boolean | undefined;
  readonly errorMessage?: string | undefined;
  readonly model?: string | undefined;
  readonly variant?: string | undefined;
  readonly usage?:
    | { readonly inputTokens: number; readonly outputTokens: number; readonly costUsd?: number | undefined }
    | undefined;
  readonly reference?: string | undefined;
  readonly groupId?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** The sum; the cost is known as soon as one part's is. */
export function addUsage(sum: Usage | null, more: Usage): Usage {
  if (!sum) return more;
  const tokens = {
    inputTokens: sum.inputTokens + more.inputTokens,
    outputTokens: sum.outputTokens + more.outputTokens,
  };
  const isPriced = sum.costUsd !== undefined || more.costUsd !== undefined;
  return isPriced ? { ...tokens, costUsd: (sum.costUsd ?? 0) + (more.costUsd ?? 0) } : tokens;
}
