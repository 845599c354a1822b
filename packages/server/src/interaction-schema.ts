import { z } from "@hono/zod-openapi";
import { agentType, interactionId, optional, share } from "./schemas.js";

const text = z.string();
const scores = z.record(z.string().max(128), share);
const usage = z.object({ input_tokens: z.number(), output_tokens: z.number(), cost_usd: z.number().optional() });
const source = z.object({
  id: text.optional(),
  title: text.optional(),
  url: text.optional(),
  text: text.optional(),
  score: z.number().optional(),
});
const anyObject = z.record(z.string(), z.unknown());

/** An interaction as the API gives it: the stored record in snake_case, times in ISO 8601. */
export const interactionBody = z
  .object({
    interaction_id: interactionId,
    timestamp: z.iso.datetime(),
    query: text,
    answer: text,
    agent_type: agentType,
    messages: z.array(anyObject).optional().meta({ description: "the whole conversation, in OpenAI chat shape" }),
    tools: z.array(anyObject).optional(),
    quality_scores: scores.meta({ description: "without `overall` it came unscored" }),
    session_id: text.optional(),
    user_id: text.optional().meta({ description: "a pseudonym" }),
    latency_ms: z.number().min(0),
    tools_used: z.array(text),
    sources: z.array(source).optional(),
    retrieval_method: text.optional(),
    error_occurred: z.boolean(),
    error_message: text.optional(),
    model: text.optional(),
    variant: text.optional(),
    usage: usage.optional(),
    reference: text.optional(),
    group_id: text.optional(),
    metadata: anyObject.optional(),
    flags: z.array(text).optional().meta({ description: "what capture cut, mended or redacted" }),
    annotations: z.array(anyObject).optional().meta({ description: "scores and feedback that came later" }),
  })
  .openapi("Interaction");

/** An interaction as the API takes it. */
export const interactionInput = z
  .strictObject({
    query: text.max(262_144),
    answer: text.max(262_144),
    agent_type: agentType,
    interaction_id: optional(interactionId),
    timestamp: optional(z.iso.datetime({ offset: true })),
    messages: optional(z.array(anyObject).max(1000)),
    tools: optional(z.array(anyObject).max(1000)),
    quality_scores: optional(scores),
    session_id: optional(text.max(1024)),
    user_id: optional(text.max(1024).meta({ description: "only a pseudonym is stored" })),
    latency_ms: optional(z.number().min(0).max(1e12)),
    tools_used: optional(z.array(text.max(1024)).max(1000)),
    sources: optional(z.array(source).max(1000)),
    retrieval_method: optional(text.max(1024)),
    error_occurred: optional(z.boolean()),
    error_message: optional(text.max(65_536)),
    model: optional(text.max(1024)),
    variant: optional(text.max(1024)),
    usage: optional(
      z.strictObject({
        input_tokens: z.number().min(0).max(1e12),
        output_tokens: z.number().min(0).max(1e12),
        cost_usd: z.number().min(0).max(1e12).optional(),
      }),
    ),
    reference: optional(text.max(262_144)),
    group_id: optional(text.max(1024)),
    metadata: optional(anyObject),
  })
  .openapi("InteractionInput");
