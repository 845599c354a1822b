import * as z from "zod";
import { chatMessage, jsonObject, toolSchema } from "./chat-message.js";

/** What an id may look like: ours are UUIDv7, a caller's own may use letters, digits and `_ . : -`. */
export const INTERACTION_ID = /^[\w.:-]{1,128}$/;

/** The overall score from which an interaction counts as high quality. */
export const HIGH_QUALITY = 0.8;

const score = /* @__PURE__ */ (() => z.number().min(0).max(1))();

const source = /* @__PURE__ */ (() =>
  z.object({
    id: z.string().optional(),
    title: z.string().optional(),
    url: z.string().optional(),
    text: z.string().optional(),
    score: z.number().optional(),
  }))();

/** What model calls took. */
export const usageSchema = /* @__PURE__ */ (() =>
  z.object({
    inputTokens: z.number(),
    outputTokens: z.number(),
    costUsd: z.number().optional(),
  }))();

export type Usage = Readonly<z.infer<typeof usageSchema>>;

/**
 * One answered question, as it is stored. The schema is the only declaration: the type is inferred from it.
 * A missing `qualityScores.overall` means *unscored*, never 0.
 */
export const interactionSchema = /* @__PURE__ */ (() =>
  z
    .object({
      interactionId: z.string().regex(INTERACTION_ID),
      /** Epoch milliseconds. */
      timestamp: z.number().int().min(0),
      query: z.string(),
      answer: z.string(),
      /** `math`, `code`, `rag`, `general` or the user's own word. */
      agentType: z.string().min(1).max(128),
      /** The whole trajectory, when there was more than one turn or a tool call. */
      messages: z.array(chatMessage).optional(),
      tools: z.array(toolSchema).optional(),
      qualityScores: z.record(z.string(), score),
      sessionId: z.string().optional(),
      /** A pseudonym: HMAC of the caller's user id with the store's own salt. */
      userId: z.string().optional(),
      latencyMs: z.number().min(0),
      toolsUsed: z.array(z.string()),
      sources: z.array(source).optional(),
      retrievalMethod: z.string().optional(),
      errorOccurred: z.boolean(),
      errorMessage: z.string().optional(),
      model: z.string().optional(),
      /** Which policy answered: a prompt version, an agent variant, a checkpoint. */
      variant: z.string().optional(),
      usage: usageSchema.optional(),
      /** The right answer, where it is known. Verifiers compare with it. */
      reference: z.string().optional(),
      /** The task that several attempts share. */
      groupId: z.string().optional(),
      metadata: jsonObject.optional(),
      /** What capture changed, such as `answer:truncated`. Absent when the record is exactly what was handed in. */
      flags: z.array(z.string()).optional(),
    })
    .readonly())();

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
