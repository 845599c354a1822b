import * as z from "zod/mini";
import type { JsonObject } from "./json.js";

export const jsonObject = /* @__PURE__ */ (() =>
  z.record(z.string(), z.json()) as unknown as z.ZodMiniType<JsonObject>)();

const toolCall = /* @__PURE__ */ (() =>
  z.object({
    id: z.optional(z.string()),
    type: z.literal("function"),
    function: z.object({ name: z.string(), arguments: jsonObject }),
  }))();

/**
 * One turn in OpenAI chat shape, canonical: `content` is always a string (empty beside tool calls) and the
 * `arguments` of a tool call are an object. Chat templates crash on or double-encode the other forms.
 */
export const chatMessage = /* @__PURE__ */ (() =>
  z.object({
    role: z.enum(["system", "user", "assistant", "tool"]),
    content: z.string(),
    tool_calls: z.optional(z.array(toolCall)),
    tool_call_id: z.optional(z.string()),
    name: z.optional(z.string()),
  }))();

/** A tool as the model was told of it: OpenAI function schema. */
export const toolSchema = /* @__PURE__ */ (() =>
  z.object({
    type: z.literal("function"),
    function: z.object({
      name: z.string(),
      description: z.optional(z.string()),
      parameters: z.optional(jsonObject),
    }),
  }))();

export type ToolCall = Readonly<z.infer<typeof toolCall>>;
export type ChatMessage = Readonly<z.infer<typeof chatMessage>>;
export type ToolSchema = Readonly<z.infer<typeof toolSchema>>;
