import { type ChatTurn, conversationFields } from "../chat-turns.js";
import { openModelCalls } from "../model-calls.js";
import type { Fields } from "../record-fields.js";
import type { SpanReading } from "./read-span.js";

/**
 * One record of what spans tell: that of the outermost span, with what the spans inside it know better. Undefined
 * where they hold no question or no answer, which is no row to learn from.
 */
export function assembleRun(top: SpanReading | undefined, inside: readonly SpanReading[]): Fields | undefined {
  const parts = inside.toSorted((one, other) => one.startedAt - other.startedAt);
  const models = parts.filter(({ kind, turns }) => kind === "model" && turns.length > 0);
  const shown = top && top.turns.length > 0 ? top : models.at(-1);
  const first = top ?? parts[0];
  if (!first || !shown) return undefined;

  const own = conversationFields(shown.turns);
  const calls = openModelCalls();
  if (top?.kind !== "model")
    for (const model of models) calls.add({ ...conversationFields(model.turns), ...summary(model) });
  const heard = calls.fields({ ...own, errorOccurred: first.error !== undefined });
  const ran = parts.flatMap(({ tool }) => tool?.name ?? []);
  const turns = withToolRuns((heard.messages as ChatTurn[] | undefined) ?? shown.turns, parts);
  const said = conversationFields(turns, own.query);
  const answered = said.answer || turns.at(-1)?.tool_calls || first.error !== undefined;
  if (!said.query || !answered) return undefined;

  const sources = parts.flatMap((part) => part.sources ?? []);
  return {
    ...said,
    toolsUsed: [...new Set([...(said.toolsUsed ?? []), ...ran])],
    tools: shown.tools ?? heard.tools,
    sources: sources.length > 0 ? sources : undefined,
    model: shown.model ?? heard.model ?? first.model,
    usage: first.usage ?? heard.usage ?? shown.usage,
    timestamp: Math.round((top ?? shown).endedAt),
    latencyMs: Math.max(0, (top ?? shown).endedAt - first.startedAt),
    metadata: {
      ...heard.metadata,
      ...first.metadata,
      ...(first.agentName !== undefined && { agent: first.agentName }),
    },
    ...(first.error !== undefined && { errorOccurred: true, errorMessage: first.error }),
  };
}

function summary({ turns, tools, usage, model, metadata }: SpanReading) {
  const { finishReason } = metadata;
  return { turns, tools, usage, model, metadata: finishReason === undefined ? {} : { finishReason } };
}

/** The tools that ran, put in front of the answer, where the conversation does not tell of them. */
function withToolRuns(turns: readonly ChatTurn[], parts: readonly SpanReading[]): readonly ChatTurn[] {
  const last = turns.at(-1);
  if (last?.role !== "assistant" || turns.some(({ role, tool_calls }) => tool_calls || role === "tool")) return turns;
  const ran: ChatTurn[] = [];
  let together: SpanReading[] = [];
  const close = () => {
    const calls = together.flatMap(({ tool }) => tool?.call.tool_calls ?? []);
    if (calls.length > 0) ran.push({ role: "assistant", content: "", tool_calls: calls });
    ran.push(...together.flatMap(({ tool }) => tool?.result ?? []));
    together = [];
  };
  for (const part of parts) {
    if (!part.tool?.result) continue;
    // Tools that ran at one time were called in one turn.
    if (together.every(({ endedAt }) => endedAt <= part.startedAt)) close();
    together.push(part);
  }
  close();
  return [...turns.slice(0, -1), ...ran, last];
}
